using System.CommandLine;
using System.CommandLine.Invocation;

namespace NsBridge.CommandLine;

/// <summary>Prints <c>nsbridge 0.1.0</c>.</summary>
internal sealed class VersionAction : SynchronousCommandLineAction
{
    /// <summary>The version of this build, three numbers.</summary>
    public static string Version => typeof(VersionAction).Assembly.GetName().Version!.ToString(3);

    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine($"nsbridge {Version}");
        return ExitCode.Well;
    }
}
