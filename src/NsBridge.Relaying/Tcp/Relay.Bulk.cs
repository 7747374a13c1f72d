using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Tcp;

// Where the pending bytes of a direction are, and how those of a bulk one get there.
public sealed partial class Relay
{
    private static bool IsBulk(in RelayDirection flow, in RelaySocket source, in RelaySocket sink) =>
        flow.IsBulk && !source.ShortReadProvesNothing && sink.Kind == SocketKind.Tcp;

    /// <summary>Moves what the source has into a pipe of the direction's own.</summary>
    /// <returns>
    /// The bytes moved; 0 where a read has to tell what is the matter, or there is no pipe; or a negated error. A socket tells an error once, so nobody
    /// hears of this one again.
    /// </returns>
    private nint Fill(ref RelayDirection flow, ref RelaySocket source)
    {
        PipePool pipes = _group.Resources.Pipes;
        Pipe pipe = pipes.Rent();
        if (pipe.IsNone)
            return 0;
        // Less than asked for does not mean that nothing is left: a pipe is also full when its slots are.
        nint moved = Libc.Splice(source.Descriptor, pipe.WriteEnd, PipePool.Capacity);
        if (moved > 0)
        {
            flow.NotePiped(moved);
            _wrongPathCount = 0;
            flow.Pipe = pipe;
            flow.Pending = (int)moved;
            return moved;
        }
        pipes.Return(pipe);
        if (WouldBlock(moved))
            source.Readable = false;
        else
            source.ShortReadProvesNothing = true;
        return moved;
    }

    /// <summary>Gives back what held the direction's pending bytes, and them with it.</summary>
    private void ReturnStore(ref RelayDirection flow)
    {
        if (!flow.Messages.IsEmpty)
            _group.Resources.Ring!.DropAll(ref flow.Messages);
        if (!flow.Block.IsNone)
            _group.Resources.Blocks.Return(flow.Block);
        if (!flow.Pipe.IsNone && flow.Pending == 0)
            _group.Resources.Pipes.Return(flow.Pipe);
        else if (!flow.Pipe.IsNone)
            PipePool.Discard(flow.Pipe);
        flow.Block = default;
        flow.Pipe = default;
        flow.Offset = flow.Pending = 0;
    }
}
