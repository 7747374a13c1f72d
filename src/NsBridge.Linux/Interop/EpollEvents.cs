using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>Room for the events of one epoll_wait(2), in memory the garbage collector does not move.</summary>
/// <remarks>struct epoll_event is packed to 12 bytes on x64 only; elsewhere it is 16 bytes with the data at 8.</remarks>
public sealed unsafe class EpollEvents : IDisposable
{
    private static readonly bool s_packed = RuntimeInformation.ProcessArchitecture == Architecture.X64;

    /// <summary>Bytes from one event to the next.</summary>
    public static int Stride => s_packed ? 12 : 16;

    /// <summary>Bytes from an event's beginning to its data.</summary>
    public static int DataOffset => s_packed ? 4 : 8;

    /// <param name="capacity">How many events one wait may return.</param>
    public EpollEvents(int capacity)
    {
        Capacity = capacity;
        Memory = (byte*)NativeMemory.AllocZeroed((nuint)(capacity * Stride));
    }

    public int Capacity { get; }

    internal byte* Memory { get; private set; }

    /// <summary>The EPOLL… bits of event <paramref name="index"/>.</summary>
    public uint Events(int index) => *(uint*)(Memory + index * Stride);

    /// <summary>The data that event <paramref name="index"/>'s descriptor was added with.</summary>
    public ulong Data(int index) => Unsafe.ReadUnaligned<ulong>(Memory + index * Stride + DataOffset);

    internal static void Write(byte* at, uint events, ulong data)
    {
        *(uint*)at = events;
        Unsafe.WriteUnaligned(at + DataOffset, data);
    }

    public void Dispose()
    {
        NativeMemory.Free(Memory);
        Memory = null;
    }
}
