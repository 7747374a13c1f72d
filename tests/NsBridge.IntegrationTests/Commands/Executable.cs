using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands;

/// <summary>The published executable, run to its end.</summary>
internal static class Executable
{
    /// <summary>Runs <c>nsbridge</c> with these arguments and returns its result.</summary>
    public static async Task<CommandResult> RunAsync(
        IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null) =>
        await Command.RunAsync(await PublishedDaemon.PathAsync(), arguments, TimeSpan.FromSeconds(20), environment);

    /// <summary>No user ever sees the program's inside for what they can mend.</summary>
    public static void CheckPlain(CommandResult result)
    {
        foreach (string? inside in new[] { "   at ", "Exception", "System.", "Microsoft.", "--- End" })
            Assert.That(result.Everything, Does.Not.Contain(inside));
        Assert.That(result.Everything, Does.Not.Match(DaemonProcess.ResourceKey().ToString()));
    }
}
