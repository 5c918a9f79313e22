// A C program that knows MLX's C interface and nothing of .NET: arithmetic, a gradient through a function of its own,
// memory of its own, and what happens to errors. ./build.sh native and the tests run it on the CPU provider's library.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct { void* ctx; } mlx_array;
typedef struct { void* ctx; } mlx_vector_array;
typedef struct { void* ctx; } mlx_closure;
typedef struct { void* ctx; } mlx_closure_value_and_grad;
typedef struct { void* ctx; } mlx_stream;
typedef struct { void* ctx; } mlx_string;
enum { MLX_FLOAT32 = 10 };

mlx_array mlx_array_new(void);
mlx_array mlx_array_new_data(const void* data, const int* shape, int dim, int dtype);
mlx_array mlx_array_new_data_managed(void* data, const int* shape, int dim, int dtype, void (*dtor)(void*));
int mlx_array_free(mlx_array arr);
int mlx_array_tostring(mlx_string* str, mlx_array arr);
mlx_stream mlx_default_cpu_stream_new(void);
int mlx_stream_free(mlx_stream stream);
mlx_string mlx_string_new(void);
const char* mlx_string_data(mlx_string str);
int mlx_string_free(mlx_string str);
int mlx_add(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s);
int mlx_square(mlx_array* res, mlx_array a, mlx_stream s);
int mlx_sum(mlx_array* res, mlx_array a, bool keepdims, mlx_stream s);
mlx_vector_array mlx_vector_array_new_value(mlx_array value);
int mlx_vector_array_set_value(mlx_vector_array* vec, mlx_array value);
int mlx_vector_array_get(mlx_array* res, mlx_vector_array vec, size_t index);
int mlx_vector_array_free(mlx_vector_array vec);
mlx_closure mlx_closure_new_func(int (*fun)(mlx_vector_array*, mlx_vector_array));
int mlx_closure_free(mlx_closure closure);
int mlx_value_and_grad(mlx_closure_value_and_grad* res, mlx_closure fun, const int* argnums, size_t argnums_num);
int mlx_closure_value_and_grad_apply(
    mlx_vector_array* values, mlx_vector_array* gradients, mlx_closure_value_and_grad fun, mlx_vector_array inputs);
int mlx_closure_value_and_grad_free(mlx_closure_value_and_grad fun);
void mlx_set_error_handler(void (*handler)(const char*, void*), void* data, void (*dtor)(void*));
void _mlx_error(const char* file, const int line, const char* fmt, ...);

static mlx_stream stream;
static const int shape[] = {3};

static void print(const char* name, mlx_array arr) {
  mlx_string text = mlx_string_new();
  if (mlx_array_tostring(&text, arr) == 0)
    printf("%s = %s\n", name, mlx_string_data(text));
  mlx_string_free(text);
}

// x [3] -> sum of x^2
static int squares(mlx_vector_array* results, mlx_vector_array inputs) {
  mlx_array x = mlx_array_new();
  int failed = mlx_vector_array_get(&x, inputs, 0) || mlx_square(&x, x, stream) || mlx_sum(&x, x, false, stream)
      || mlx_vector_array_set_value(results, x);
  mlx_array_free(x);
  return failed;
}

static void gradient(mlx_array x) {
  const int first = 0;
  mlx_closure function = mlx_closure_new_func(squares);
  mlx_closure_value_and_grad both = {0};
  mlx_vector_array inputs = mlx_vector_array_new_value(x), values = {0}, gradients = {0};
  mlx_array value = mlx_array_new(), slope = mlx_array_new();
  if (mlx_value_and_grad(&both, function, &first, 1) == 0
      && mlx_closure_value_and_grad_apply(&values, &gradients, both, inputs) == 0) {
    mlx_vector_array_get(&value, values, 0);
    mlx_vector_array_get(&slope, gradients, 0);
    print("sum of squares", value);
    print("its gradient", slope);
  }
  mlx_array_free(slope);
  mlx_array_free(value);
  mlx_vector_array_free(gradients);
  mlx_vector_array_free(values);
  mlx_vector_array_free(inputs);
  mlx_closure_value_and_grad_free(both);
  mlx_closure_free(function);
}

static void count(const char* message, void* errors) {
  (void)message;
  ++*(int*)errors;
}

static void done(void* errors) { printf("%d errors were reported\n", *(int*)errors); }

static int returned;

static void give_back(void* data) { // as soon as it was copied, or with the array
  ++returned;
  free(data);
}

int main(int argc, char** argv) {
  (void)argv;
  stream = mlx_default_cpu_stream_new();
  const float ones[] = {1, 2, 3};
  float* tens = malloc(3 * sizeof(float));
  for (int i = 0; i < 3; i++)
    tens[i] = 10.0f * (float)(i + 1);
  mlx_array a = mlx_array_new_data(ones, shape, 1, MLX_FLOAT32);
  mlx_array b = mlx_array_new_data_managed(tens, shape, 1, MLX_FLOAT32, give_back);
  mlx_array sum = mlx_array_new(), empty = mlx_array_new();
  mlx_add(&sum, a, b, stream);
  print("sum", sum);
  gradient(a);

  int errors = 0;
  mlx_set_error_handler(count, &errors, done);
  if (mlx_add(&sum, a, empty, stream) != 1)
    puts("an empty array was added");
  _mlx_error("smoke.c", 1, "%d of %s", 2, "mine");
  mlx_set_error_handler(NULL, NULL, NULL);
  print("sum is still", sum);

  mlx_array_free(empty);
  mlx_array_free(sum);
  mlx_array_free(b);
  mlx_array_free(a);
  printf("memory was given back %d time\n", returned);
  if (argc > 1) // without a handler, an error is printed and ends the program
    _mlx_error("smoke.c", 2, "asked for %s", argv[1]);
  mlx_stream_free(stream);
  return 0;
}
