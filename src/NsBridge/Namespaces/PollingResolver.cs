using Microsoft.Win32.SafeHandles;
using NsBridge.Base;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces.Locating;

namespace NsBridge.Namespaces;

/// <summary>Follows a unit or a container across its restarts: a task polls its locator and publishes the way in, which event loops read
/// without waiting. Nothing is entered here.</summary>
/// <remarks>A process is held by its pidfd, so what is published leads to that very process or, once it has ended, nowhere. A live process
/// is polled by one system call; the locator is asked when it has ended, and after <see cref="INamespaceLocator.Freshness"/>.</remarks>
internal sealed class PollingResolver : INamespaceResolver, IAsyncDisposable
{
    private static readonly TimeSpan s_processPeriod = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_locatePeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_locateDeadline = TimeSpan.FromSeconds(3);

    private readonly INamespaceLocator _locator;
    private readonly Action _changed;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _polling;
    private volatile Finding _finding = new(null, null, NamespaceLocation.Waiting(""), NamespaceState.Unknown);

    /// <param name="locator">Disposed at the end if it is disposable.</param>
    /// <param name="changed">Called on any thread when another way in, or none, was published; must be quick.</param>
    public PollingResolver(INamespaceLocator locator, Action changed)
    {
        _locator = locator;
        _changed = changed;
        _polling = Task.Run(PollAsync);
    }

    private NamespaceLocation Stopped => NamespaceLocation.Waiting($"{_locator.Description} is not running");

    public NetworkNamespace? Resolve(out NamespaceState absent)
    {
        Finding finding = _finding;
        absent = finding.Absent;
        return finding.Network;
    }

    private async Task PollAsync()
    {
        try
        {
            while (true)
            {
                await LocateAsync();
                await PauseAsync();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (Exception fault)
        {
            // Otherwise the namespace would silently not be followed any more.
            Environment.FailFast($"following {_locator.Description} failed", fault);
        }
        finally
        {
            _finding.Process?.Dispose();
            (_locator as IDisposable)?.Dispose();
        }
    }

    private async Task PauseAsync()
    {
        Finding finding = _finding;
        TimeSpan pause = finding.Process is null ? s_locatePeriod : _locator.Freshness;
        for (TimeSpan waited = TimeSpan.Zero; waited < pause; waited += s_processPeriod)
        {
            await Task.Delay(s_processPeriod, _stop.Token);
            if (finding.HasEnded)
            {
                // Published at once: the locator's next answer may take long.
                Publish(Finding.None(finding.Location, Stopped));
                return;
            }
        }
    }

    private async Task LocateAsync()
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        deadline.CancelAfter(s_locateDeadline);
        Finding found;
        try
        {
            found = await FindAsync(deadline.Token);
        }
        catch (Exception fault) when (fault is IOException || (fault is OperationCanceledException && !_stop.IsCancellationRequested))
        {
            // The service may be restarting. A process that lives still is the one that was meant.
            if (_finding.Network is not null && !_finding.HasEnded)
                return;
            bool isForbidden = fault.InnerException is UnauthorizedAccessException;
            string why = fault is IOException ? ErrorText.Of(fault) : $"no answer within {s_locateDeadline.TotalSeconds:0} s";
            var absent = new NamespaceState(0, $"cannot find {_locator.Description}: {why}", false)
            {
                IsUnknown = true,
                Fault = isForbidden ? NamespaceFault.LocatorForbidden : NamespaceFault.LocatorUnavailable,
            };
            found = new Finding(null, null, _finding.Location, absent);
        }
        Publish(found);
    }

    private async Task<Finding> FindAsync(CancellationToken cancel)
    {
        NamespaceLocation location = await _locator.LocateAsync(cancel);
        Finding known = _finding;
        if (location.AbsentReason is not null)
            return Finding.None(location, location);
        if (location == known.Location && known.Network is not null && !known.HasEnded)
            return known;
        if (location.Path is { } path)
            return new Finding(NetworkNamespace.AtPath(path, $"{path} of {_locator.Description}"), null, location, NamespaceState.Unknown);

        int pidFd = Libc.PidFdOpen(location.Process);
        if (pidFd < 0)
        {
            Errno error = Libc.ErrorOf(pidFd);
            return Finding.None(location, error == Errno.ESRCH ? Stopped
                : NamespaceLocation.Waiting($"process {location.Process} of {_locator.Description} cannot be opened: {error}"));
        }
        var process = new SafeFileHandle(pidFd, ownsHandle: true);
        try
        {
            if (await _locator.VerifyAsync(location, cancel) is not { } objection)
                return new Finding(NetworkNamespace.OfProcess(process, _locator.Description), process, location, NamespaceState.Unknown);
            // A process that ended in between gives misleading objections.
            if (Libc.HasEnded(pidFd))
                objection = Stopped;
            process.Dispose();
            return Finding.None(location, objection);
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    private void Publish(Finding found)
    {
        Finding before = _finding;
        if (ReferenceEquals(found, before))
            return;
        _finding = found;
        before.Process?.Dispose();
        if (found.Network is not null || found.Absent != before.Absent || before.Network is not null)
            _changed();
    }

    /// <summary>Stops polling; completes when the task has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _polling;
        _stop.Dispose();
    }

    /// <summary>What is published.</summary>
    /// <param name="Network">The way in; null for none.</param>
    /// <param name="Process">The pidfd behind it, if a process leads there.</param>
    /// <param name="Location">The locator's answer that it was made from.</param>
    /// <param name="Absent">Why there is no way in.</param>
    private sealed record Finding(NetworkNamespace? Network, SafeFileHandle? Process, NamespaceLocation Location, NamespaceState Absent)
    {
        public bool HasEnded => Process is { } process && Libc.HasEnded((int)process.DangerousGetHandle());

        public static Finding None(NamespaceLocation location, NamespaceLocation absent) =>
            new(null, null, location, new NamespaceState(0, absent.AbsentReason ?? "", absent.IsFault) { Fault = absent.Fault });
    }
}
