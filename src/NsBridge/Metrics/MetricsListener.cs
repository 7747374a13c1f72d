using System.Net.Sockets;
using NsBridge.Base;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Values;
using NsBridge.Control;

namespace NsBridge.Metrics;

/// <summary>Opens the listeners of <c>Metrics:Listen</c>.</summary>
internal sealed class MetricsListener(MetricsEndpoint endpoint, ListeningSockets listening)
{
    /// <summary>Every user may connect, as to a TCP port; the mode of the directory can restrict that.</summary>
    private const int AllUsers = 0b110_110_110;

    private readonly HashSet<ListenSocket> _open = [];

    /// <summary>Opens those that are not open yet.</summary>
    /// <exception cref="UserErrorException">The UNIX socket cannot be made.</exception>
    public OpenedListeners Open()
    {
        if (endpoint.UnixPath is { } path)
        {
            var local = LocalListener.Open(path, AllUsers, "metrics");
            return new OpenedListeners([local.Socket], local);
        }
        ListenAttempt attempt = listening.OpenOnHost(endpoint.Tcp!, _open);
        _open.UnionWith(attempt.Opened.Select(opened => opened.Wanted));
        IEnumerable<SafeSocketHandle> sockets = attempt.Opened.Select(opened => new SafeSocketHandle(opened.Descriptor, ownsHandle: true));
        return new OpenedListeners([.. sockets.Select(handle => new Socket(handle))])
        {
            MayGrow = endpoint.Tcp!.Interface is not null,
            Missing = attempt.Trouble is { } trouble ? $"NsBridge:Metrics:Listen: {trouble.Text}" : null,
        };
    }
}
