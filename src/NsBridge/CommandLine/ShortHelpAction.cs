using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace NsBridge.CommandLine;

/// <summary>
/// Help. The list of all verbs shows only what a verb cannot be without: the framework would print there <c>doctor &lt;BRIDGE&gt;</c> for what may be left out.
/// </summary>
internal sealed class ShortHelpAction(HelpAction help) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        if (parseResult.CommandResult == parseResult.RootCommandResult)
        {
            foreach (Argument? argument in parseResult.RootCommandResult.Command.Subcommands.SelectMany(verb => verb.Arguments))
                argument.Hidden |= argument.Arity.MinimumNumberOfValues == 0;
        }

        return help.Invoke(parseResult);
    }
}
