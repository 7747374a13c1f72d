using System.CommandLine;
using System.CommandLine.Help;
using NsBridge.Commands.Check;
using NsBridge.Commands.Demo;
using NsBridge.Commands.Discover;
using NsBridge.Commands.Doctor;
using NsBridge.Commands.Import;
using NsBridge.Commands.Status;
using NsBridge.Hosting;

namespace NsBridge.CommandLine;

/// <summary>All verbs. A new one is a line here and its syntax in <see cref="VerbSyntax"/>.</summary>
internal static class CommandTree
{
    public static RootCommand Build(StopSignals signals)
    {
        var root = new RootCommand("nsbridge - bridges ports into Linux network namespaces.");
        root.Directives.Clear();
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new ShortHelpAction((HelpAction)help.Action!);
        root.Options.OfType<VersionOption>().Single().Action = new VersionAction();
        VerbSyntax.Run(root, (file, stop) => Daemon.RunAsync(file, stop, signals.CleanUp()));
        root.Subcommands.Add(VerbSyntax.Check(CheckCommand.RunAsync));
        root.Subcommands.Add(VerbSyntax.Status(StatusCommand.RunAsync));
        root.Subcommands.Add(VerbSyntax.Doctor(DoctorCommand.RunAsync));
        root.Subcommands.Add(VerbSyntax.Discover(DiscoverCommand.RunAsync));
        root.Subcommands.Add(VerbSyntax.Import(ImportCommand.RunAsync));
        root.Subcommands.Add(VerbSyntax.Demo((options, stop) =>
        {
            signals.CleanUp();
            return DemoCommand.RunAsync(options, stop);
        }));
        return root;
    }
}
