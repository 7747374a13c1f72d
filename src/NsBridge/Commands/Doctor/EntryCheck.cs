using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Doctor;

/// <summary>May a place be entered? Asked of the target's and of the listener's.</summary>
internal static class EntryCheck
{
    private const int MostSuggestions = 5;

    /// <param name="name">The link that breaks where it may not.</param>
    /// <param name="patient">Whose bridge it is.</param>
    /// <param name="place">Where to.</param>
    /// <param name="cookie">Tells the namespace from every other one; 0 where it cannot be entered.</param>
    /// <returns>The link that ends here; null where the place may be entered.</returns>
    public static CheckResult? Look(string name, InspectedBridge patient, ResolvedNamespace place, out ulong cookie)
    {
        cookie = 0;
        if (place.Network is not { } network)
        {
            // This user may not ask where the daemon's may.
            return patient.Status is { State: "up" }
                ? CheckResult.Note(name, $"{place.Fault}; the daemon has found it, and what it says comes last")
                : CheckResult.Broken(name, place.Fault, CureOfAbsence(place.Reference));
        }

        int socket = network.OpenSocket(Libc.AF_INET, Libc.SOCK_DGRAM, out cookie, out EnterFailure failure);
        Libc.Close(socket);
        return socket < 0
            ? CheckResult.Broken(name, network.Explain(failure), Cure(place.Reference, failure)) with { LacksPrivilege = failure.LacksPrivilege }
            : null;
    }

    private static string CureOfAbsence(NamespaceReference reference) => reference.Kind switch
    {
        NamespaceKind.Unit => $"'systemctl status {reference.Value}' shows how it is; start it, or correct the name. It needs NetworkNamespacePath= or PrivateNetwork=yes",
        _ => $"start the container (docker start {reference.Value}, podman start {reference.Value}), or correct its name; 'nsbridge discover' lists those that run",
    };

    private static string Cure(NamespaceReference reference, EnterFailure failure) => failure switch
    {
        (EnterStep.Open, Errno.ENOENT or Errno.ENOTDIR) => Suggest(reference),
        { LacksPrivilege: true } =>
            "run this command as root; the daemon needs CAP_SYS_ADMIN, and for processes and containers CAP_SYS_PTRACE too (its packaged unit has the first, the example drop-in enter-processes.conf adds the second)",
        (EnterStep.Enter, Errno.EINVAL) => reference.Kind == NamespaceKind.Name
            ? $"make it again: ip netns delete {reference.Value}; ip netns add {reference.Value}. Where it was made by a service, that service must not have mounts of its own (PrivateMounts=, ProtectSystem= and the like)"
            : "name the file of a network namespace, such as /proc/PID/ns/net or a file in /run/netns",
        (EnterStep.OwnNamespace, Errno.None) => "correct the reference; where the host itself is meant, write \"host\"",
        (EnterStep.OwnNamespace, _) => "run a newer kernel",
        (EnterStep.Open, Errno.ENAMETOOLONG or Errno.ELOOP) => "correct the path",
        { IsExhaustion: true } => "free memory or descriptors; it mends itself once there are some again",
        _ => $"see the error: {failure.Error}",
    };

    private static string Suggest(NamespaceReference reference)
    {
        string make = reference.Kind switch
        {
            NamespaceKind.Name => $"make it: ip netns add {reference.Value}",
            NamespaceKind.Unit => $"make what its NetworkNamespacePath= names before it is started: systemctl cat {reference.Value}",
            NamespaceKind.Pid => "write the number of a process that runs; 'nsbridge discover' lists those with a network of their own",
            _ => "correct the path",
        };
        if (reference.Kind is not (NamespaceKind.Name or NamespaceKind.Path) || !NamespaceNames.TryList(out IReadOnlyList<string>? files))
            return make;
        var names = files.Select(Path.GetFileName).Take(MostSuggestions + 1).ToList();
        return names.Count == 0 ? make : $"{make}; there {(names.Count == 1 ? "is" : "are")}: {string.Join(", ", names.Take(MostSuggestions))}{(names.Count > MostSuggestions ? ", …" : "")}";
    }
}
