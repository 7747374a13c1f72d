using System.Net;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Doctor;

/// <summary>Is <c>lo</c> up, where the target is reached by it? A fresh namespace has it down.</summary>
internal static class LoopbackCheck
{
    private const string Name = "lo";

    public static CheckResult? Look(InspectedBridge patient)
    {
        if (patient.Network is not { } network || patient.Bridge.Target is not { IsUnix: false } target)
            return null;
        if (target.Kind == TargetKind.Address && !IPAddress.IsLoopback(target.Literal!.Address))
            return null;
        int socket = network.OpenSocket(Libc.AF_INET, Libc.SOCK_DGRAM, out _, out EnterFailure failure);
        if (socket < 0)
            return CheckResult.Note(Name, network.Explain(failure));
        int up = Libc.LoopbackIsUp(socket);
        Libc.Close(socket);
        return up switch
        {
            > 0 => CheckResult.Ok(Name, $"up in {patient.Place}"),
            0 => CheckResult.Broken(Name, $"down in {patient.Place}, so that nothing reaches {target}", $"{patient.IpCommand} link set lo up"),
            _ => CheckResult.Broken(Name, $"missing in {patient.Place}: {Libc.ErrorOf(up)}", "make the namespace again"),
        };
    }
}
