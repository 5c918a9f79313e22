// A C program that knows MLX's C interface and nothing of .NET: makes two arrays, adds them, prints the sum.
// ./build.sh native compiles it against the CPU provider's shared library.
#include <stdio.h>

typedef struct { void* ctx; } mlx_array;
typedef struct { void* ctx; } mlx_stream;
typedef struct { void* ctx; } mlx_string;
enum { MLX_FLOAT32 = 10 };

mlx_array mlx_array_new(void);
mlx_array mlx_array_new_data(const void* data, const int* shape, int dim, int dtype);
int mlx_array_free(mlx_array arr);
int mlx_array_tostring(mlx_string* str, mlx_array arr);
mlx_stream mlx_default_cpu_stream_new(void);
int mlx_stream_free(mlx_stream stream);
mlx_string mlx_string_new(void);
const char* mlx_string_data(mlx_string str);
int mlx_string_free(mlx_string str);
int mlx_add(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s);

int main(void) {
  const float ones[] = {1, 2, 3}, tens[] = {10, 20, 30};
  const int shape[] = {3};
  mlx_stream stream = mlx_default_cpu_stream_new();
  mlx_array a = mlx_array_new_data(ones, shape, 1, MLX_FLOAT32);
  mlx_array b = mlx_array_new_data(tens, shape, 1, MLX_FLOAT32);
  mlx_array sum = mlx_array_new();
  mlx_string text = mlx_string_new();
  int failed = mlx_add(&sum, a, b, stream) || mlx_array_tostring(&text, sum);
  puts(failed ? "failed" : mlx_string_data(text));
  mlx_string_free(text);
  mlx_array_free(sum);
  mlx_array_free(b);
  mlx_array_free(a);
  mlx_stream_free(stream);
  return failed;
}
