using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Expose;

internal enum PlaceKind
{
    /// <summary>A namespace of root, by name.</summary>
    Name,

    /// <summary>A user's own, by <c>unshare -Urn</c>.</summary>
    Unshare,

    /// <summary>A user's sandbox, whose processes are in a user namespace below the one that owns the network.</summary>
    Bubblewrap,
}

/// <summary>Where a bridge of the command line leads.</summary>
/// <param name="Reference">As on the command line.</param>
/// <param name="File">The namespace's file, for the test's own sockets.</param>
/// <param name="Sandbox">The process that keeps a user's own namespace; null for a namespace of root.</param>
internal sealed partial record ExposePlace(string Reference, string File, BackgroundProcess? Sandbox)
{
    /// <summary>A user without privilege.</summary>
    public static readonly string[] User = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all"];

    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    /// <summary>Whether the command runs as a user without privilege.</summary>
    public bool IsRootless => Sandbox is not null;

    public static ExposePlace Of(TestNamespace space) => new(space.Name, space.FilePath, null);

    /// <summary>A namespace of a user's own; its process is the caller's.</summary>
    public static async Task<ExposePlace> SandboxAsync(PlaceKind kind)
    {
        await DebianPackages.RequireAsync("bubblewrap");
        string[] sandbox = kind == PlaceKind.Unshare
            ? ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", "ip link set lo up && echo ready && exec sleep 600"]
            // It closes the descriptor of --info-fd.
            : ["sh", "-c", "exec bwrap --ro-bind / / --dev /dev --proc /proc --unshare-all --die-with-parent --info-fd 3 "
                + "sh -c 'echo ready && exec sleep 600' 3>&1"];
        var process = BackgroundProcess.Start(User[0], [.. User[1..], .. sandbox]);
        await process.LineAsync(line => line == "ready", s_soon, "the sandbox");
        Match child = ChildPid().Match(string.Join(' ', process.Lines));
        string pid = child.Success ? child.Groups[1].Value : $"{process.Id}";
        return new ExposePlace($"pid:{pid}", $"/proc/{pid}/ns/net", process);
    }

    public TargetServer Serve(Func<Socket, CancellationToken, Task> serve) =>
        TargetServer.Start(TestNamespace.Listen(File, new IPEndPoint(IPAddress.Loopback, 0)), serve);

    [GeneratedRegex("\"child-pid\": (\\d+)")]
    private static partial Regex ChildPid();
}
