using System.Buffers;
using System.Numerics.Tensors;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Managed memory and tensors of .NET, in and out.</summary>
public sealed unsafe class MemoryImportTests
{
    [Fact]
    public void Tensors_come_and_go_with_their_shape()
    {
        Tensor<float> tensor = Tensor.Create([1f, 2, 3, 4, 5, 6], [2, 3]);
        MlxArray x = MlxArray.From(tensor);
        Assert.Equal([2, 3], x.Shape);
        MlxArray part = MlxArray.From(tensor.AsReadOnlyTensorSpan().Slice([0..2, 1..3]));
        Assert.Equal([2f, 3, 5, 6], part.ToArray<float>());
        Tensor<double> back = (x * 2).ToTensor<double>();
        Assert.Equal([(nint)2, 3], back.Lengths.ToArray());
        Assert.Equal(12, back[1, 2]);
        Tensor<float> into = Tensor.CreateFromShape<float>([2, 3]);
        x.CopyTo(into.AsTensorSpan());
        Assert.Equal(6, into[1, 2]);
        Assert.Throws<ArgumentException>(() => x.CopyTo(Tensor.CreateFromShape<float>([3, 2]).AsTensorSpan()));
    }

    [Fact]
    public void Imported_memory_is_pinned_until_nothing_uses_it()
    {
        CountedMemory memory = new([1f, 2, 3, 4]);
        MlxArray x = MlxArray.FromMemory((ReadOnlyMemory<float>)memory.Memory, 2, 2);
        MlxArray view = x.Transpose(); // a graph that holds it
        Assert.Equal(1, memory.Pins);
        x.Dispose();
        if (TestProvider.IsCpu) // MLX copies where it has no unified memory, and lets go at once
            Assert.Equal(0, memory.Unpins);
        Assert.Equal([1f, 3, 2, 4], view.ToArray<float>());
        view.Dispose();
        MlxArray.Ones([1]).Eval();
        Assert.True(SpinWait.SpinUntil(() => memory.Unpins == 1, TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void Imported_memory_survives_the_garbage_collector()
    {
        MlxArray x = MlxArray.FromMemory((ReadOnlyMemory<int>)Enumerable.Range(0, 1000).ToArray());
        for (int i = 0; i < 3; i++)
            GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        Assert.Equal(Enumerable.Range(0, 1000), x.ToArray<int>());
    }

    [Fact]
    public void Memory_of_another_size_is_refused_and_unpinned()
    {
        CountedMemory memory = new([1f, 2]);
        Assert.Throws<ArgumentException>(() => MlxArray.FromMemory((ReadOnlyMemory<float>)memory.Memory, 3));
        Assert.Equal(memory.Pins, memory.Unpins);
    }

    private sealed class CountedMemory(float[] elements) : MemoryManager<float>
    {
        private int _unpins;
        private MemoryHandle _handle;

        public int Pins { get; private set; }

        public int Unpins => Volatile.Read(ref _unpins);

        public override Span<float> GetSpan() => elements;

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            Pins++;
            _handle = elements.AsMemory(elementIndex).Pin();
            return new MemoryHandle(_handle.Pointer, pinnable: this);
        }

        public override void Unpin()
        {
            _handle.Dispose();
            Interlocked.Increment(ref _unpins);
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
