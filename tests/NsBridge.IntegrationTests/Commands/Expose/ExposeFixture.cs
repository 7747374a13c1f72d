using System.Net;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Expose;

/// <summary>Base of the tests on <c>nsbridge expose</c>.</summary>
internal abstract class ExposeFixture : BridgeFixture
{
    protected async Task<ExposePlace> PlaceAsync(PlaceKind kind = PlaceKind.Name)
    {
        if (kind == PlaceKind.Name)
            return ExposePlace.Of(await NamespaceAsync());
        ExposePlace place = await ExposePlace.SandboxAsync(kind);
        Own(place.Sandbox!);
        return place;
    }

    protected async Task<ExposeProgram> ExposeAsync(ExposePlace place, params string[] arguments) =>
        Own(await ExposeProgram.StartAsync(place.IsRootless, [place.Reference, .. arguments]));

    /// <summary>A bridge to a server, at a port of the kernel's choice.</summary>
    protected async Task<IPEndPoint> BridgeAsync(ExposePlace place, TargetServer server, params string[] options)
    {
        string target = Own(server).EndPoint.ToString()!;
        ExposeProgram program = await ExposeAsync(place, [target, "--listen", "0", .. options]);
        return await program.ListenAsync(target);
    }
}
