using NsBridge.Base;
using NsBridge.Linux;
using NsBridge.Namespaces;
using NsBridge.Namespaces.Locating;

namespace NsBridge.Commands.Expose;

/// <summary>Leads into the namespace of a process by an <see cref="InsideProcess"/>, which is started anew when it has ended or the
/// reference leads to another process.</summary>
/// <param name="resolver">Leads to the process.</param>
/// <param name="changed">As for <see cref="NamespaceResolvers.For"/>.</param>
/// <param name="refused">Gets the reason if this user may not enter.</param>
internal sealed class RootlessResolver(INamespaceResolver resolver, Action changed, Action<UserErrorException> refused)
    : INamespaceResolver, IAsyncDisposable
{
    private static readonly NamespaceState s_again = new(0, "the second process of nsbridge inside is started again", false);

    private readonly Lock _lock = new();
    private NetworkNamespace? _of;
    private InsideProcess? _inside;
    private string? _refusal;
    private Task _starting = Task.CompletedTask;
    private NamespaceState _starts = NamespaceState.Unknown;
    private bool _isDisposed;

    public NetworkNamespace? Resolve(out NamespaceState absent)
    {
        NetworkNamespace? network = resolver.Resolve(out absent);
        lock (_lock)
        {
            if (network is not null && network == _of && _inside is { IsAlive: true } inside)
                return inside.Network;
            if (!_starting.IsCompleted || _isDisposed)
            {
                absent = _starts;
                return null;
            }
            _inside?.Dispose();
            _inside = null;
            if (network is null)
                return null;
            int process = network.Process;
            if (process <= 0)
            {
                absent = new NamespaceState(0, $"{network.Description} has ended", false);
                return null;
            }
            if (network == _of && _refusal is { } refusal)
            {
                absent = new NamespaceState(0, refusal, true) { Fault = NamespaceFault.Forbidden };
                return null;
            }
            (_of, _refusal) = (network, null);
            _starting = Task.Run(() => Start(process, network.Description));
            absent = _starts;
            return null;
        }
    }

    private void Start(int process, string description)
    {
        try
        {
            InsideProcess? made = InsideProcess.Start(process, description);
            lock (_lock)
                (_inside, _starts) = (made, s_again);
        }
        catch (UserErrorException refusal)
        {
            _refusal = refusal.Message;
            refused(refusal);
        }
        changed();
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
            _isDisposed = true;
        await _starting;
        _inside?.Dispose();
        (resolver as IDisposable)?.Dispose();
        if (resolver is IAsyncDisposable polling)
            await polling.DisposeAsync();
    }
}
