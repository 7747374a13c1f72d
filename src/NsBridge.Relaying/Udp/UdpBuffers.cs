using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Relaying.Udp;

/// <summary>What all flows of one loop use in turn: memory for datagrams. Made before the loop's first UDP listener.</summary>
internal sealed class UdpBuffers : ILoopResource
{
    private UdpBuffers()
    {
        FromClients = new DatagramBatch();
        try
        {
            Answers = new AnswerBatch();
        }
        catch (OutOfMemoryException)
        {
            // The caller tries again, and a failure must not keep memory.
            FromClients.Dispose();
            ToTarget.Dispose();
            throw;
        }
    }

    /// <exception cref="OutOfMemoryException">The kernel refuses 9 MiB; only the pages in use count as resident.</exception>
    internal static UdpBuffers Of(EventLoop loop) => loop.Resource(static () => new UdpBuffers());

    /// <summary>Datagrams from clients; empty again before the loop calls another source.</summary>
    internal DatagramBatch FromClients { get; }

    /// <summary>Datagrams to one target.</summary>
    internal DatagramOutbox ToTarget { get; } = new();

    /// <summary>Answers of all targets, kept until the loop's turn is over.</summary>
    internal AnswerBatch Answers { get; }

    /// <summary>Memory for the datagrams that flows keep.</summary>
    internal BlockPool Blocks { get; } = new();

    public void OnIdle() => Blocks.Empty();

    public void Dispose()
    {
        FromClients.Dispose();
        ToTarget.Dispose();
        Answers.Dispose();
        Blocks.Dispose();
    }
}
