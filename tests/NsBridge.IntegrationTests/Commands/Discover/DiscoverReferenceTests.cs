using System.Globalization;
using System.Text.Json;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Discover;

/// <summary>An entry of <c>discover</c> leads to the namespace that it has found, whatever its name is.</summary>
internal sealed class DiscoverReferenceTests : BridgeFixture
{
    [OneTimeSetUp]
    public static Task InstallAsync() => DebianPackages.RequireAsync("python3-minimal", "libpython3-stdlib");

    /// <summary>Starts a server in a namespace of each name, and ends once the last command has found them all.</summary>
    private const string Servers = """
        nsbridge=$1 port=$2 servers=
        for name in host a:b 'with space'; do
            ip netns add "$name" && ip -n "$name" link set lo up || exit 98
            ip netns exec "$name" python3 -m http.server --bind 127.0.0.1 "$port" >/dev/null 2>&1 &
            servers="$servers $!"
        done
        for i in $(seq 100); do
            [ "$($nsbridge discover 2>/dev/null | grep -c "127.0.0.1:$port\"")" = 3 ] && break
            sleep 0.1
        done
        $nsbridge discover
        code=$?
        kill $servers
        exit $code
        """;

    [Test]
    public async Task Discover_OfNamesThatMeanAnotherPlace_WritesTheirPaths()
    {
        string port = HostSockets.FreePort().ToString(CultureInfo.InvariantCulture);

        CommandResult result = await PrivateNames.RunAsync(Servers, "755", await PublishedDaemon.PathAsync(), port);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        using var document = JsonDocument.Parse(result.Output, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip });
        var references = document.RootElement.EnumerateArray()
            .Where(entry => entry.GetProperty("Target").GetString() == $"127.0.0.1:{port}")
            .Select(entry => entry.GetProperty("Namespace").GetString()).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(references, Does.Contain("/run/netns/host").And.Contain("/run/netns/a:b"));
            Assert.That(references, Does.Not.Contain("host").And.Not.Contain("a:b"));
            Assert.That(references, Has.None.Contains("with space"));
            Assert.That(result.Error, Does.Contain("/run/netns/with space").And.Contain("space or a control character"));
        });
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("appsettings.json", $"{{ \"NsBridge\": {{ \"Bridges\": {result.Output} }} }}");
        CommandResult check = await Executable.RunAsync(["check", "--config", file]);
        Assert.That(check.ExitCode, Is.Zero, check.Everything);
    }
}
