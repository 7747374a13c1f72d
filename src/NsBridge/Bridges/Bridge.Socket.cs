using NsBridge.Bridges.Joining;
using NsBridge.Linux.Interop;

namespace NsBridge.Bridges;

// Its UNIX socket, as far as it is not an inner half's own matter.
internal sealed partial class Bridge
{
    /// <summary>Whether somebody has removed or replaced the file of its UNIX socket.</summary>
    public bool HasLostSocket => _inner is { Socket.IsInPlace: false };

    /// <summary>
    /// Where its outer half finds the UNIX socket. An inner half of this process is found by its file, not by the path: whoever may write to the directory
    /// could else put himself in between. On the home loop.
    /// </summary>
    public SockAddr JoinAddress => _inner?.Socket.Address ?? SockAddr.FromPath(_settings.Socket);

    private async Task KeepSocketAsync(JoinSocket socket)
    {
        try
        {
            if (!socket.IsInPlace)
            {
                await _home.InvokeAsync(socket.MakeAnew);
                _log.SocketMadeAnew(_settings.Socket);
            }
            _fault = null;
        }
        catch (BridgeSetupException fault)
        {
            _fault = fault.Reason;
        }
    }
}
