using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static nuint mlx_dtype_size(mlx_dtype dtype) => (nuint)dtype.Size();

    public static mlx_array mlx_array_new() => default;

    public static int mlx_array_free(mlx_array arr)
    {
        Handles.Free(arr);
        return 0;
    }

    public static mlx_array mlx_array_new_bool(bool val) => Handles.New(Ops.Scalar(val));

    public static mlx_array mlx_array_new_int(int val) => Handles.New(Ops.Scalar(val, MLX_INT32));

    public static mlx_array mlx_array_new_float32(float val) => Handles.New(Ops.Scalar(val, MLX_FLOAT32));

    public static mlx_array mlx_array_new_float(float val) => Handles.New(Ops.Scalar(val, MLX_FLOAT32));

    public static mlx_array mlx_array_new_float64(double val) => Handles.New(Ops.Scalar(val, MLX_FLOAT64));

    public static mlx_array mlx_array_new_double(double val) => Handles.New(Ops.Scalar(val, MLX_FLOAT64));

    public static mlx_array mlx_array_new_complex(float real_val, float imag_val) =>
        Handles.New(Complex(real_val, imag_val));

    public static mlx_array mlx_array_new_data(void* data, int* shape, int dim, mlx_dtype dtype) =>
        Handles.New(FromData(data, shape, dim, dtype));

    public static mlx_array mlx_array_new_data_managed(
        void* data, int* shape, int dim, mlx_dtype dtype, delegate* unmanaged[Cdecl]<void*, void> dtor) =>
        mlx_array_new_data_managed_payload(data, shape, dim, dtype, data, dtor);

    public static mlx_array mlx_array_new_data_managed_payload(
        void* data, int* shape, int dim, mlx_dtype dtype, void* payload, delegate* unmanaged[Cdecl]<void*, void> dtor)
    {
        var node = Node.New(Shape(shape, dim), dtype);
        long nBytes = ByteCount(node);
        if (data is null && nBytes > 0)
            throw new ArgumentException($"[array] {node} needs {nBytes} bytes of data, but the pointer is null.");
        Allocator.Adopt(nBytes);
        node.Attach(Buffer.Wrap(data, nBytes, () =>
        {
            Allocator.Disown(nBytes);
            if (dtor is not null)
                dtor(payload);
        }));
        return Handles.New(node);
    }

    public static int mlx_array_set(mlx_array* arr, mlx_array src) => Return(arr, Handles.Node(src));

    public static int mlx_array_set_bool(mlx_array* arr, bool val) => Return(arr, Ops.Scalar(val));

    public static int mlx_array_set_int(mlx_array* arr, int val) => Return(arr, Ops.Scalar(val, MLX_INT32));

    public static int mlx_array_set_float32(mlx_array* arr, float val) => Return(arr, Ops.Scalar(val, MLX_FLOAT32));

    public static int mlx_array_set_float(mlx_array* arr, float val) => Return(arr, Ops.Scalar(val, MLX_FLOAT32));

    public static int mlx_array_set_float64(mlx_array* arr, double val) => Return(arr, Ops.Scalar(val, MLX_FLOAT64));

    public static int mlx_array_set_double(mlx_array* arr, double val) => Return(arr, Ops.Scalar(val, MLX_FLOAT64));

    public static int mlx_array_set_complex(mlx_array* arr, float real_val, float imag_val) =>
        Return(arr, Complex(real_val, imag_val));

    public static int mlx_array_set_data(mlx_array* arr, void* data, int* shape, int dim, mlx_dtype dtype) =>
        Return(arr, FromData(data, shape, dim, dtype));

    public static nuint mlx_array_itemsize(mlx_array arr) => (nuint)Handles.Node(arr).Type.Size();

    public static nuint mlx_array_size(mlx_array arr) => (nuint)Handles.Node(arr).Size;

    public static nuint mlx_array_nbytes(mlx_array arr) => (nuint)ByteCount(Handles.Node(arr));

    public static nuint mlx_array_ndim(mlx_array arr) => (nuint)Handles.Node(arr).Rank;

    public static int* mlx_array_shape(mlx_array arr) => Handles.Node(arr).ShapePointer;

    public static nuint* mlx_array_strides(mlx_array arr) => (nuint*)Handles.Node(arr).StridesPointer;

    public static int mlx_array_dim(mlx_array arr, int dim)
    {
        Node node = Handles.Node(arr);
        return node.Shape[Ops.Axis("shape", dim, node.Rank)];
    }

    public static mlx_dtype mlx_array_dtype(mlx_array arr) => Handles.Node(arr).Type;

    public static int mlx_array_eval(mlx_array arr)
    {
        Evaluator.Evaluate(Handles.Node(arr));
        return 0;
    }

    public static int mlx_array_tostring(mlx_string* str, mlx_array arr)
    {
        Node node = Handles.Node(arr);
        Evaluator.Evaluate(node);
        Handles.Set(str, ArrayPrinter.Print(node));
        return 0;
    }

    public static int _mlx_array_is_available(bool* res, mlx_array arr)
    {
        *res = Handles.Node(arr).IsEvaluated;
        return 0;
    }

    public static int _mlx_array_wait(mlx_array arr) => mlx_array_eval(arr);

    public static int _mlx_array_is_contiguous(bool* res, mlx_array arr)
    {
        Node node = Evaluated(arr);
        *res = node.IsRowContiguous || node.IsColumnContiguous;
        return 0;
    }

    public static int _mlx_array_is_row_contiguous(bool* res, mlx_array arr)
    {
        *res = Evaluated(arr).IsRowContiguous;
        return 0;
    }

    public static int _mlx_array_is_col_contiguous(bool* res, mlx_array arr)
    {
        *res = Evaluated(arr).IsColumnContiguous;
        return 0;
    }

    private static Node Evaluated(mlx_array arr)
    {
        Node node = Handles.Node(arr);
        return node.IsEvaluated
            ? node
            : throw new InvalidOperationException(
                $"[data] The array of shape {node} is not evaluated: call mlx_array_eval first.");
    }

    private static long ByteCount(Node node) => checked(node.Size * node.Type.Size());

    private static int[] Shape(int* shape, int rank)
    {
        if (rank < 0)
            throw new ArgumentException($"[array] {rank} is not a number of dimensions.");
        int[] lengths = Handles.Ints(shape, (nuint)rank);
        foreach (int length in lengths)
        {
            if (length < 0)
                throw new ArgumentException($"[array] Shape {Ops.Text(lengths)} has a negative dimension.");
        }

        return lengths;
    }

    private static Node FromData(void* data, int* shape, int dim, mlx_dtype dtype)
    {
        var node = Node.New(Shape(shape, dim), dtype);
        long nBytes = ByteCount(node);
        if (data is null && nBytes > 0)
            throw new ArgumentException($"[array] {node} needs {nBytes} bytes of data, but the pointer is null.");
        node.Allocate();
        System.Buffer.MemoryCopy(data, node.Data, nBytes, nBytes);
        return node;
    }

    private static Node Complex(float real, float imaginary)
    {
        Node node = Ops.Scalar(real, MLX_COMPLEX64);
        ((float*)node.Data)[1] = imaginary;
        return node;
    }
}
