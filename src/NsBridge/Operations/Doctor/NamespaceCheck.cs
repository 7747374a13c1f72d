using NsBridge.Configuration;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Operations.Discover;

namespace NsBridge.Operations.Doctor;

/// <summary>Does the namespace exist, is it one, and may it be entered?</summary>
internal static class NamespaceCheck
{
    private const string Name = "namespace";
    private const int MostSuggestions = 5;

    public static Link? Look(Patient patient)
    {
        if (patient.Bridge.Namespace is not { } reference)
            return null;
        if (WayTo(reference) is not { } network)
            return Link.Note(Name, $"no process of {reference} is found in a network namespace of its own; what the daemon says of it comes last");
        var socket = network.OpenSocket(Libc.AF_INET, Libc.SOCK_DGRAM, out var cookie, out var failure);
        Libc.Close(socket);
        if (socket < 0)
            return Link.Broken(Name, network.Explain(failure), Cure(reference, failure));
        // The daemon may look from another mount namespace, where the same name is another file.
        if (patient.Status is { Namespace.Cookie: not 0 } status && status.Namespace.Cookie != cookie)
        {
            return Link.Broken(
                Name,
                $"{reference} is another namespace for the daemon (cookie {status.Namespace.Cookie}) than for this command (cookie {cookie})",
                "the daemon sees other mounts (PrivateMounts= and the like in its unit), or has not noticed a re-created namespace yet: try again, then systemctl restart nsbridge");
        }

        patient.Network = network;
        return Link.Ok(Name, $"{patient.Place} can be entered (cookie {cookie})");
    }

    private static NetworkNamespace? WayTo(NamespaceReference reference) => reference switch
    {
        { Kind: NamespaceKind.Host } => NetworkNamespace.Own,
        { FilePath: { } path } => NetworkNamespace.AtPath(path),
        _ => NamespaceSearch.All().Find(found => found.Reference == reference.Text)?.Network,
    };

    private static string Cure(NamespaceReference reference, EnterFailure failure) => failure switch
    {
        (EnterStep.Open, Errno.ENOENT or Errno.ENOTDIR) => Suggest(reference),
        (EnterStep.Open, Errno.EACCES) or (EnterStep.Enter, Errno.EPERM) =>
            "run this command as root; the daemon needs CAP_SYS_ADMIN, and for processes and containers CAP_SYS_PTRACE too (its packaged unit has the first, the example drop-in enter-processes.conf adds the second)",
        (EnterStep.Enter, Errno.EINVAL) => reference.Kind == NamespaceKind.Name
            ? $"make it again: ip netns delete {reference.Value}; ip netns add {reference.Value}. Where it was made by a service, that service must not have mounts of its own (PrivateMounts=, ProtectSystem= and the like)"
            : "name the file of a network namespace, such as /proc/PID/ns/net or a file in /run/netns",
        (EnterStep.OwnNamespace, Errno.None) => "correct \"Namespace\"; where the host itself is meant, write \"host\"",
        (EnterStep.OwnNamespace, _) => "run a newer kernel",
        _ => "see the error; out of memory or descriptors it mends itself once there are some again",
    };

    private static string Suggest(NamespaceReference reference)
    {
        var make = reference.Kind == NamespaceKind.Name ? $"make it: ip netns add {reference.Value}" : "correct the path in \"Namespace\"";
        if (!Directory.Exists("/run/netns"))
            return make;
        var names = Directory.EnumerateFiles("/run/netns").Select(Path.GetFileName).Order(StringComparer.Ordinal).Take(MostSuggestions + 1).ToList();
        return names.Count == 0 ? make : $"{make}; there {(names.Count == 1 ? "is" : "are")}: {string.Join(", ", names.Take(MostSuggestions))}{(names.Count > MostSuggestions ? ", …" : "")}";
    }
}
