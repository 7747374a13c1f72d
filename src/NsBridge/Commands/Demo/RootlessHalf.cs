using System.Globalization;
using NsBridge.Base;
using NsBridge.Commands.Discover;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Demo;

/// <summary>
/// The second process of a demo without privilege, started inside a user and network namespace of its own that nobody outside can enter: so the web server
/// and the bridge's inner half run here.
/// </summary>
internal static class RootlessHalf
{
    /// <summary>The one argument that makes this program be this half; not for users.</summary>
    public const string Argument = "demo-rootless-half";

    /// <summary>The first line it writes: the namespace is there and may be used.</summary>
    public const string Inside = "inside";

    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync()
    {
        Errno error = FreshNetworkNamespace.TakeLoopbackUp();
        if (error != Errno.None)
        {
            await Console.Error.WriteLineAsync($"nsbridge demo: cannot take up lo in the namespace: {error}");
            return ExitCode.Privilege;
        }

        SecondLife.Say(Inside);
        try
        {
            using var life = new SecondLife();
            await using DemoWebServer server = await DemoWebServer.StartAsync(NetworkNamespace.Own, string.Create(CultureInfo.InvariantCulture, $"pid:{Environment.ProcessId}"));
            var draft = new BridgeDraft("demo", null, "host", server.Address.ToString(), Socket: SecondLife.SocketIn(life.Directory));
            await using DemoBridge bridge = await DemoBridge.StartAsync(draft, life.Directory, CancellationToken.None);
            SecondLife.Say($"{DemoProcess.Ready}{server.Address} {life.Directory}");
            SecondLife.WaitForTheEnd();
            return ExitCode.Success;
        }
        catch (UserErrorException fault)
        {
            return SecondLife.Say(fault);
        }
    }
}
