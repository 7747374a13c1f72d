using NsBridge.Testing;

namespace NsBridge.Linux.Tests;

/// <summary>This test program as a child process, started by way of a command that takes something from it.</summary>
internal static class OwnChild
{
    /// <param name="wrapper">A command that runs the rest of its line: <c>setpriv …</c>, <c>prlimit …</c>.</param>
    /// <param name="arguments">A verb of <c>Program.cs</c> and its arguments.</param>
    /// <returns>What it printed.</returns>
    internal static async Task<string> RunAsync(string[] wrapper, params string[] arguments)
    {
        await DebianPackages.RequireAsync("util-linux");
        string host = Environment.ProcessPath is { } path && Path.GetFileName(path) == "dotnet" ? path : "dotnet";
        string output = await Command.CheckAsync(wrapper[0], [.. wrapper[1..], host, "exec", typeof(OwnChild).Assembly.Location, .. arguments]);
        return output.Trim();
    }
}
