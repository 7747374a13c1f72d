using System.Globalization;
using NsBridge.Base;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Namespaces;
using NsBridge.Namespaces.Locating;

namespace NsBridge.Commands.Inspection;

/// <summary>Where a reference leads now, located as the daemon locates it.</summary>
/// <param name="Reference">As the operator wrote it.</param>
/// <param name="Network">The way in, not tried yet; null if there is none.</param>
/// <param name="File">The namespace's file; null for the host, and if there is no way in.</param>
/// <param name="Fault">Why there is no way in, in words; empty if there is one.</param>
internal sealed record ResolvedNamespace(NamespaceReference Reference, NetworkNamespace? Network, string? File, string Fault)
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(3);

    /// <summary>Whether the fault is that this user may not ask for the place.</summary>
    public bool IsForbidden { get; init; }

    /// <summary>Whether its unit is one of the user's own systemd.</summary>
    public bool IsOfSession { get; init; }

    /// <summary>The place's name in findings.</summary>
    public string Name => Reference.Kind == NamespaceKind.Host ? "the host" : Reference.Text;

    /// <summary>The program before a command that acts inside, for cures: <c>ip -n vpn</c>.</summary>
    public string IpCommand => Reference.Kind == NamespaceKind.Name ? $"ip -n {Reference.Value}" : $"{EnterCommand}ip";

    /// <summary>What runs a command inside, for cures: <c>nsenter --net=/run/netns/vpn</c> and a space; empty for the host.</summary>
    public string EnterCommand => File is { } file ? $"nsenter --net={file} " : "";

    /// <param name="reference">As the operator wrote it.</param>
    /// <param name="isOfSession">Whether the daemon that is to enter it is the user's own, which asks the user's systemd.</param>
    /// <param name="stop">Gives up.</param>
    public static async Task<ResolvedNamespace> FindAsync(NamespaceReference reference, bool isOfSession, CancellationToken stop)
    {
        if (reference.Kind == NamespaceKind.Host)
            return new ResolvedNamespace(reference, NetworkNamespace.Own, null, "");
        if (reference.FilePath is { } named)
            return new ResolvedNamespace(reference, NetworkNamespace.AtPath(named), named, "");
        INamespaceLocator locator = NamespaceResolvers.LocatorOf(reference, isOfSession);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        deadline.CancelAfter(s_deadline);
        try
        {
            NamespaceLocation location = await locator.LocateAsync(deadline.Token);
            if (location is { AbsentReason: null, Path: null })
                location = await locator.VerifyAsync(location, deadline.Token) ?? location;
            if (location.AbsentReason is { } reason)
                return Nowhere(reason, location.Fault == NamespaceFault.LocatorForbidden);
            string file = location.Path ?? string.Create(CultureInfo.InvariantCulture, $"/proc/{location.Process}/ns/net");
            return new ResolvedNamespace(reference, NetworkNamespace.AtPath(file, $"{file} of {locator.Description}"), file, "");
        }
        catch (IOException fault)
        {
            bool isForbidden = fault.InnerException is UnauthorizedAccessException;
            return Nowhere($"cannot find {locator.Description}: {ErrorText.Of(fault)}", isForbidden);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return Nowhere($"cannot find {locator.Description}: no answer within {s_deadline.TotalSeconds:0} s", isForbidden: false);
        }
        finally
        {
            (locator as IDisposable)?.Dispose();
        }

        ResolvedNamespace Nowhere(string fault, bool isForbidden) =>
            new(reference, null, null, fault) { IsForbidden = isForbidden, IsOfSession = isOfSession };
    }
}
