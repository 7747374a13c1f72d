using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Doctor;

/// <summary>Does the target's namespace exist, is it one, and may it be entered?</summary>
internal static class NamespaceCheck
{
    private const string Name = "namespace";
    private static readonly string[] s_engines = ["docker", "podman"];

    public static CheckResult? Probe(InspectedBridge bridge)
    {
        if (bridge.TargetPlace is not { } place)
            return null;
        if (ProbeEntry(Name, bridge, place, out ulong cookie) is { } closed)
            return closed;
        // The daemon may live in another mount namespace, in which the same name is another file.
        if (bridge.Status is { Namespace.Cookie: not 0 } status && status.Namespace.Cookie != cookie)
        {
            return CheckResult.Broken(
                Name,
                $"{place.Reference} is another namespace for the daemon (cookie {status.Namespace.Cookie}) than here (cookie {cookie})",
                $"{Cures.Restart}  # if that does not help, its unit hides mounts (PrivateMounts= and the like): systemctl cat nsbridge");
        }
        bridge.Network = place.Network;
        return CheckResult.Ok(Name, $"{bridge.Place} can be entered (cookie {cookie})");
    }

    /// <summary>May a place be entered? Asked of the target's and of the listener's. The cookie is 0 if not.</summary>
    /// <returns>Null if the place may be entered.</returns>
    public static CheckResult? ProbeEntry(string name, InspectedBridge bridge, ResolvedNamespace place, out ulong cookie)
    {
        cookie = 0;
        if (place.Network is not { } network)
        {
            return place.IsForbidden ? CheckResult.Unknown(name, place.Fault, bridge.AsRoot)
                : bridge.IsUp ? CheckResult.Note(name, $"{place.Fault}; the daemon has found it, and its report comes last")
                : CheckResult.Broken(name, place.Fault, CureOfAbsence(place));
        }
        int socket = network.OpenSocket(Libc.AF_INET, Libc.SOCK_DGRAM, out cookie, out EnterFailure failure);
        Libc.Close(socket);
        return socket >= 0 ? null
            : failure.LacksPrivilege ? CheckResult.Unknown(name, $"{network.Explain(failure)}; nothing inside is checked", bridge.AsRoot)
            : CheckResult.Broken(name, network.Explain(failure), Cure(place.Reference, failure));
    }

    private static string CureOfAbsence(ResolvedNamespace place)
    {
        (NamespaceKind kind, string name) = (place.Reference.Kind, place.Reference.Value);
        string systemctl = place.IsOfSession ? "systemctl --user" : "systemctl";
        if (kind == NamespaceKind.Unit)
            return $"{systemctl} start {name}; {systemctl} status {name}  # it needs NetworkNamespacePath= or PrivateNetwork=yes";
        if (kind == NamespaceKind.Machine)
            return $"machinectl start {name}  # or correct the name: machinectl list";
        var engines = s_engines.Where(Cures.HasProgram).ToList();
        return engines.Count > 0
            ? $"{string.Join(" || ", engines.Select(engine => $"{engine} start {name}"))}  # or correct the name: nsbridge discover"
            : "correct \"Namespace\": neither Docker nor Podman is installed on this machine";
    }

    private static string Cure(NamespaceReference reference, EnterFailure failure) => failure switch
    {
        (EnterStep.Open, Errno.ENOENT or Errno.ENOTDIR) => Suggest(reference),
        (EnterStep.Enter, Errno.EINVAL) => reference is { Kind: NamespaceKind.Name, Value: var name }
            ? $"ip netns delete {name}; ip netns add {name}  # not by a service with mounts of its own (PrivateMounts=)"
            : "write the file of a network namespace as \"Namespace\", such as /proc/PID/ns/net or a file in /run/netns",
        (EnterStep.OwnNamespace, Errno.None) => "write \"Namespace\": \"host\" if the host itself is meant, else correct it",
        (EnterStep.OwnNamespace, _) => "uname -r  # SO_NETNS_COOKIE needs Linux 5.14",
        (EnterStep.Open, Errno.ENAMETOOLONG or Errno.ELOOP) => "correct the path in \"Namespace\"",
        { IsExhaustion: true } => "free memory or descriptors; the bridge recovers by itself then",
        _ => $"see the error: {failure.Error}",
    };

    private static string Suggest(NamespaceReference reference)
    {
        if (reference.Kind == NamespaceKind.Unit)
            return $"systemctl cat {reference.Value}  # make the file of its NetworkNamespacePath= before it starts";
        if (reference.Kind == NamespaceKind.Pid)
            return "nsbridge discover  # lists the processes with a network of their own; write one of them";
        string known = NamespaceNames.TryList(out IReadOnlyList<string>? files) && files.Count > 0
            ? $"; there {(files.Count == 1 ? "is" : "are")}: {Wording.List(files.Select(file => Path.GetFileName(file)))}"
            : "";
        return reference.Kind == NamespaceKind.Name
            ? $"ip netns add {Cures.Quoted(reference.Value)}  # or correct the name{known}"
            : $"correct the path in \"Namespace\"{known}";
    }
}
