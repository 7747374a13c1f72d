using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using NsBridge.Base;
using NsBridge.Commands.Check;
using NsBridge.Commands.Connections;
using NsBridge.Commands.Demo;
using NsBridge.Commands.Discover;
using NsBridge.Commands.Doctor;
using NsBridge.Commands.Expose;
using NsBridge.Commands.Import;
using NsBridge.Commands.Status;
using NsBridge.Hosting;

namespace NsBridge.CommandLine;

/// <summary>All commands. A new one is a line here and its syntax in <see cref="VerbSyntax"/>.</summary>
internal static class CommandTree
{
    public static RootCommand Build(StopSignals signals)
    {
        var root = new RootCommand("nsbridge - bridges ports into Linux network namespaces.");
        root.Directives.Clear();
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new ShortHelpAction((HelpAction)help.Action!);
        root.Options.OfType<VersionOption>().Single().Action = new VersionAction();
        VerbSyntax.Run(root, (file, stop) => Daemon.RunAsync(file, stop, signals.Daemon()));
        root.Subcommands.Add(VerbSyntax.Expose((options, stop) =>
        {
            // Its own stop ends it in time, with 0.
            _ = signals.Daemon();
            return ExposeCommand.RunAsync(options, stop);
        }));
        root.Subcommands.Add(VerbSyntax.Check(CheckCommand.RunAsync));
        root.Subcommands.Add(VerbSyntax.Status(StatusCommand.RunAsync));
        root.Subcommands.Add(VerbSyntax.Connections(ConnectionsCommand.RunAsync));
        root.Subcommands.Add(VerbSyntax.End(EndCommand.RunAsync));
        root.Subcommands.Add(VerbSyntax.Doctor(DoctorCommand.RunAsync));
        root.Subcommands.Add(VerbSyntax.Discover(DiscoverCommand.RunAsync));
        root.Subcommands.Add(VerbSyntax.Import(ImportCommand.RunAsync));
        root.Subcommands.Add(VerbSyntax.Demo(DemoCommand.RunAsync));
        root.Subcommands.Add(VerbSyntax.Help(root));
        return root;
    }
}

/// <summary>Help. In the list of commands the framework prints an optional argument as a required one; it is hidden there.</summary>
internal sealed class ShortHelpAction(HelpAction help) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        if (parseResult.CommandResult == parseResult.RootCommandResult)
        {
            foreach (Argument argument in parseResult.RootCommandResult.Command.Subcommands.SelectMany(verb => verb.Arguments))
                argument.Hidden |= argument.Arity.MinimumNumberOfValues == 0;
        }
        return help.Invoke(parseResult);
    }
}

/// <summary>Prints <c>nsbridge 0.1.0</c>.</summary>
internal sealed class VersionAction : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine($"nsbridge {ProductVersion.Text}");
        return ExitCode.Success;
    }
}
