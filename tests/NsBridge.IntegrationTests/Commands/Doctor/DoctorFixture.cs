using System.Net;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Doctor;

/// <summary>What the tests of the doctor share: a bridge with a fault, and the doctor's report.</summary>
internal abstract class DoctorFixture : BridgeFixture
{
    protected static BridgeEntry Entry(string place, EndPoint? target = null) =>
        new("web") { Listen = FreeEndPoint().ToString(), Namespace = place, Target = target?.ToString() ?? "127.0.0.1:3000" };

    protected static async Task<CommandResult> DoctorAsync(BridgeEntry entry)
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("appsettings.json", new DaemonConfig(entry) { RuntimeDirectory = scratch["run"] }.ToJson());
        return await Executable.RunAsync(["doctor", "--config", file]);
    }

    protected static async Task FindsAsync(BridgeEntry entry, string link, string words)
    {
        CommandResult result = await DoctorAsync(entry);

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Output, Does.Contain($"broken at: {link}").And.Contain(words).And.Contain("cure"));
        Executable.CheckPlain(result);
    }
}
