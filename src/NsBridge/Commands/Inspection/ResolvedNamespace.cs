using System.Globalization;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Namespaces;
using NsBridge.Namespaces.Locating;

namespace NsBridge.Commands.Inspection;

/// <summary>Where a reference leads now, asked of those whom the daemon asks too.</summary>
/// <param name="Reference">As the operator wrote it.</param>
/// <param name="Network">The way in, not tried yet; null where the reference leads nowhere.</param>
/// <param name="File">The namespace's file; null for the host, and where there is no way in.</param>
/// <param name="Fault">Why there is no way in, in words; empty where there is one.</param>
internal sealed record ResolvedNamespace(NamespaceReference Reference, NetworkNamespace? Network, string? File, string Fault)
{
    private static readonly TimeSpan s_askDeadline = TimeSpan.FromSeconds(3);

    /// <summary>How the place is called in findings.</summary>
    public string Name => Reference.Kind == NamespaceKind.Host ? "the host" : Reference.Text;

    /// <summary>The program before a command that acts inside, for cures: <c>ip -n vpn</c>.</summary>
    public string IpCommand => this switch
    {
        { Reference: { Kind: NamespaceKind.Name, Value: var name } } => $"ip -n {name}",
        { File: { } file } => $"nsenter --net={file} ip",
        _ => "ip",
    };

    public static async Task<ResolvedNamespace> FindAsync(NamespaceReference reference, CancellationToken stop) => reference switch
    {
        { Kind: NamespaceKind.Host } => new ResolvedNamespace(reference, NetworkNamespace.Own, null, ""),
        { FilePath: { } file } => new ResolvedNamespace(reference, NetworkNamespace.AtPath(file), file, ""),
        _ => await LocateAsync(reference, NamespaceResolvers.LocatorOf(reference), stop),
    };

    private static async Task<ResolvedNamespace> LocateAsync(NamespaceReference reference, INamespaceLocator source, CancellationToken stop)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        deadline.CancelAfter(s_askDeadline);
        try
        {
            NamespaceLocation lead = await source.LocateAsync(deadline.Token);
            if (lead.AbsentReason is { } absent)
                return new ResolvedNamespace(reference, null, null, absent);
            if (lead.Path is { } path)
                return new ResolvedNamespace(reference, NetworkNamespace.AtPath(path, $"{path} of {source.Description}"), path, "");
            if (await source.VerifyAsync(lead, deadline.Token) is { } objection)
                return new ResolvedNamespace(reference, null, null, objection.AbsentReason!);
            string file = string.Create(CultureInfo.InvariantCulture, $"/proc/{lead.Process}/ns/net");
            return new ResolvedNamespace(reference, NetworkNamespace.AtPath(file, $"{file} of {source.Description}"), file, "");
        }
        catch (IOException fault)
        {
            return new ResolvedNamespace(reference, null, null, $"cannot find {source.Description}: {fault.Message}");
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new ResolvedNamespace(reference, null, null, $"cannot find {source.Description}: no answer within {s_askDeadline.TotalSeconds:0} s");
        }
    }
}
