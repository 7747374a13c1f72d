using System.Globalization;
using Microsoft.Win32.SafeHandles;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Namespaces;

/// <summary>A process by number. The first process found under it is held by a pidfd, which keeps neither the process nor its namespace
/// alive; a later process with the same number is another one, and is not entered before <see cref="Renew"/>.</summary>
internal sealed class PidResolver(int process) : INamespaceResolver, IDisposable
{
    private readonly Lock _lock = new();
    private readonly string _name = string.Create(CultureInfo.InvariantCulture, $"process {process}");
    private volatile NetworkNamespace? _network;
    private SafeFileHandle? _pidFd;

    public NetworkNamespace? Resolve(out NamespaceState absent)
    {
        absent = NamespaceState.Unknown;
        if (_network is { } known)
            return known;
        lock (_lock)
        {
            if (_network is { } found)
                return found;
            int pidFd = Libc.PidFdOpen(process);
            if (pidFd < 0)
            {
                absent = new NamespaceState(0, $"there is no {_name}", false);
                return null;
            }
            _pidFd = new SafeFileHandle(pidFd, ownsHandle: true);
            return _network = NetworkNamespace.OfProcess(_pidFd, _name);
        }
    }

    /// <summary>If the process that was found has ended, the next resolve takes the one that has the number then.</summary>
    public void Renew()
    {
        lock (_lock)
        {
            if (_pidFd is null || !Libc.HasEnded((int)_pidFd.DangerousGetHandle()))
                return;
            _network = null;
            _pidFd.Dispose();
            _pidFd = null;
        }
    }

    public void Dispose()
    {
        lock (_lock)
            _pidFd?.Dispose();
    }
}
