namespace NsBridge.Commands.Doctor;

/// <summary>Does the target's namespace exist, is it one, and may it be entered?</summary>
internal static class NamespaceCheck
{
    private const string Name = "namespace";

    public static CheckResult? Look(InspectedBridge patient)
    {
        if (patient.Inside is not { } place)
            return null;
        if (EntryCheck.Look(Name, patient, place, out ulong cookie) is { } closed)
            return closed;
        // The daemon may look from another mount namespace, where the same name is another file.
        if (patient.Status is { Namespace.Cookie: not 0 } status && status.Namespace.Cookie != cookie)
        {
            return CheckResult.Broken(
                Name,
                $"{place.Reference} is another namespace for the daemon (cookie {status.Namespace.Cookie}) than for this command (cookie {cookie})",
                "the daemon sees other mounts (PrivateMounts= and the like in its unit), or has not noticed a re-created namespace yet: try again, then systemctl restart nsbridge");
        }

        patient.Network = place.Network;
        return CheckResult.Ok(Name, $"{patient.Place} can be entered (cookie {cookie})");
    }
}
