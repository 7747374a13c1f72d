using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Udp;

/// <summary>What all flows of one loop use in turn: room for datagrams on their way. Made before the loop's first datagram listener is.</summary>
internal sealed class UdpBuffers : IDisposable
{
    /// <exception cref="OutOfMemoryException">There is not so much memory: 9 MiB, of which only what is used counts as resident.</exception>
    internal UdpBuffers()
    {
        FromClients = new DatagramBatch();
        try
        {
            Answers = new AnswerBatch();
        }
        catch (OutOfMemoryException)
        {
            // It is tried again, and must not have less each time.
            FromClients.Dispose();
            ToTarget.Dispose();
            throw;
        }
    }

    /// <summary>From clients; empty again before the loop does anything else.</summary>
    internal DatagramBatch FromClients { get; }

    /// <summary>Towards one target.</summary>
    internal DatagramOutbox ToTarget { get; } = new();

    /// <summary>Answers of all targets, kept until the loop's turn is over.</summary>
    internal AnswerBatch Answers { get; }

    public void Dispose()
    {
        FromClients.Dispose();
        ToTarget.Dispose();
        Answers.Dispose();
    }
}
