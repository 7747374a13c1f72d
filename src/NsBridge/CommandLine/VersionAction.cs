using System.CommandLine;
using System.CommandLine.Invocation;
using NsBridge.Base;

namespace NsBridge.CommandLine;

/// <summary>Prints <c>nsbridge 0.1.0</c>.</summary>
internal sealed class VersionAction : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine($"nsbridge {ProductVersion.Text}");
        return ExitCode.Success;
    }
}
