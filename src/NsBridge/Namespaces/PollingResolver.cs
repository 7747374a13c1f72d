using Microsoft.Win32.SafeHandles;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Namespaces;

/// <summary>
/// Follows a unit or a container over its restarts. A task of its own asks whoever knows and publishes the way in; event loops
/// take what is published, and never wait. Nothing is entered here.
/// </summary>
/// <remarks>
/// A process is held by its pidfd, so what is published leads to that very process or, once it has ended, nowhere. While it lives it is
/// looked at, which costs a system call; whoever knows is asked again when it has ended, and now and then.
/// </remarks>
internal sealed class PollingResolver : INamespaceResolver, IDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_askPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_askDeadline = TimeSpan.FromSeconds(3);

    private readonly INamespaceLocator _source;
    private readonly Action _changed;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _following;
    private volatile Finding _finding = new(null, null, NamespaceLocation.Waiting(""), NamespaceState.Unknown);

    /// <param name="source">Who knows where it is.</param>
    /// <param name="changed">Called when another way in, or none, was published. On any thread; must be quick.</param>
    public PollingResolver(INamespaceLocator source, Action changed)
    {
        _source = source;
        _changed = changed;
        _following = Task.Run(FollowAsync);
    }

    private NamespaceState Stopped => new(0, $"{_source.Description} is not running", false);

    public NetworkNamespace? Resolve(out NamespaceState absent)
    {
        Finding finding = _finding;
        absent = finding.Absent;
        return finding.Network;
    }

    private async Task FollowAsync()
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
            // Nobody would notice that nothing is followed any more.
            Environment.FailFast($"following {_source.Description} failed", fault);
        }
        finally
        {
            _finding.Process?.Dispose();
            (_source as IDisposable)?.Dispose();
        }
    }

    private async Task PauseAsync()
    {
        Finding finding = _finding;
        TimeSpan pause = finding.Process is null ? s_askPeriod : _source.Freshness;
        for (TimeSpan waited = TimeSpan.Zero; waited < pause; waited += s_look)
        {
            await Task.Delay(s_look, _stop.Token);
            if (finding.HasEnded)
            {
                // Told at once, whatever the next answer is and however long it takes.
                Publish(new Finding(null, null, finding.Lead, Stopped));
                return;
            }
        }
    }

    private async Task LocateAsync()
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        deadline.CancelAfter(s_askDeadline);
        Finding found;
        try
        {
            found = await FindAsync(deadline.Token);
        }
        catch (Exception fault) when (fault is IOException || (fault is OperationCanceledException && !_stop.IsCancellationRequested))
        {
            // Whoever knows is being restarted, say. A process that lives is still the one that was meant.
            if (_finding.Network is not null && !_finding.HasEnded)
                return;
            string why = fault is IOException ? fault.Message : $"no answer within {s_askDeadline.TotalSeconds:0} s";
            var absent = new NamespaceState(0, $"cannot find {_source.Description}: {why}", false)
            {
                IsUnknown = true,
                Fault = fault.InnerException is UnauthorizedAccessException ? NamespaceFault.LocatorForbidden : NamespaceFault.LocatorUnavailable,
            };
            found = new Finding(null, null, _finding.Lead, absent);
        }
        Publish(found);
    }

    private async Task<Finding> FindAsync(CancellationToken cancel)
    {
        NamespaceLocation lead = await _source.LocateAsync(cancel);
        Finding known = _finding;
        if (lead.Absent is { } absent)
            return new Finding(null, null, lead, absent);
        if (lead == known.Lead && known.Network is not null && !known.HasEnded)
            return known;
        if (lead.Path is { } path)
            return new Finding(NetworkNamespace.AtPath(path, $"{path} of {_source.Description}"), null, lead, NamespaceState.Unknown);

        int pidFd = Libc.PidFdOpen(lead.Process);
        if (pidFd < 0)
        {
            NamespaceState none = Libc.ErrorOf(pidFd) == Errno.ESRCH
                ? Stopped
                : new NamespaceState(0, $"process {lead.Process} of {_source.Description} cannot be had: {Libc.ErrorOf(pidFd)}", false);
            return new Finding(null, null, lead, none);
        }
        var process = new SafeFileHandle(pidFd, ownsHandle: true);
        try
        {
            if (await _source.VerifyAsync(lead, cancel) is not { } objection)
                return new Finding(NetworkNamespace.OfProcess(process, _source.Description), process, lead, NamespaceState.Unknown);
            // An end in between makes for odd objections.
            if (Libc.HasEnded(pidFd))
                objection = Stopped;
            process.Dispose();
            return new Finding(null, null, lead, objection);
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

    public void Dispose()
    {
        _stop.Cancel();
        _following.GetAwaiter().GetResult();
        _stop.Dispose();
    }

    /// <summary>What is published.</summary>
    /// <param name="Network">The way in; null for none.</param>
    /// <param name="Process">The pidfd behind it, if a process leads there.</param>
    /// <param name="Lead">The answer it was made from.</param>
    /// <param name="Absent">Why there is no way in.</param>
    private sealed record Finding(NetworkNamespace? Network, SafeFileHandle? Process, NamespaceLocation Lead, NamespaceState Absent)
    {
        public bool HasEnded => Process is { } process && Libc.HasEnded((int)process.DangerousGetHandle());
    }
}
