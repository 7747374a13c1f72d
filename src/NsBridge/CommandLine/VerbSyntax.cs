using System.CommandLine;
using System.CommandLine.Parsing;
using NsBridge.Commands.Check;
using NsBridge.Commands.Connections;
using NsBridge.Commands.Demo;
using NsBridge.Commands.Discover;
using NsBridge.Commands.Doctor;
using NsBridge.Commands.Expose;
using NsBridge.Commands.Import;
using NsBridge.Commands.Status;
using NsBridge.Configuration.Values;

namespace NsBridge.CommandLine;

/// <summary>The syntax of each command; the caller gives its action.</summary>
internal static class VerbSyntax
{
    public static void Run(RootCommand root, Func<string?, CancellationToken, Task<int>> run)
    {
        Option<string?> config = Config();
        root.Options.Add(config);
        root.SetAction((parsed, stop) => run(parsed.GetValue(config), stop));
        Option<string?> verbConfig = Config();
        var verb = new Command("run", "Run the daemon (the default).") { verbConfig };
        verb.SetAction((parsed, stop) => run(parsed.GetValue(verbConfig), stop));
        root.Subcommands.Add(verb);
    }

    public static Command Expose(Func<ExposeOptions, CancellationToken, Task<int>> run)
    {
        var place = new Argument<string>("NAMESPACE") { Description = "NAME, a path, pid:N, unit:NAME.service or container:NAME." };
        place.Validators.Add(MustBeNamespace);
        var targets = new Argument<string[]>("TARGET")
        {
            Description = "PORT (localhost:PORT), or as in a configuration: ADDR:PORT, a range, unix:/path.",
            Arity = ArgumentArity.OneOrMore,
        };
        targets.Validators.Add(result => MustParse(result, "TARGET", (string text, out string fault) =>
            TargetEndpoint.TryParse(ExposedBridges.TargetOf(text), out _, out fault)));
        var listen = new Option<string?>("--listen")
        {
            HelpName = "LISTEN",
            Description = "Where clients connect; without it the target's port on loopback. Port 0 lets the kernel choose.",
        };
        listen.Validators.Add(result => MustParse(result, "--listen", (string text, out string fault) =>
            OpenPort.TryParse(text, out _, out fault)));
        var udp = new Option<bool>("--udp") { Description = "Bridge UDP." };
        var into = new Option<bool>("--into") { Description = "Reverse the direction: listen inside, with targets on the host." };
        var allow = new Option<string[]>("--allow")
        {
            HelpName = "CIDR",
            Description = "A network that may connect; others are closed. May be repeated.",
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };
        allow.Validators.Add(MustBeNetwork("--allow"));
        var join = new Option<string?>("--join") { HelpName = "handoff|relay", Description = "How the halves join." };
        join.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: not ("handoff" or "relay") and var text }])
                result.AddError($"--join \"{text}\": write handoff or relay");
        });
        var json = new Option<bool>("--json") { Description = "Print each bridge as a JSON object on a line." };
        const string About = "Run bridges without a configuration file, until it is stopped.";
        var verb = new Command("expose", About) { place, targets, listen, udp, into, allow, join, json };
        verb.SetAction((parsed, stop) => run(
            new ExposeOptions(
                parsed.GetRequiredValue(place), parsed.GetRequiredValue(targets), parsed.GetValue(listen), parsed.GetValue(udp),
                parsed.GetValue(into), parsed.GetValue(allow) ?? [], parsed.GetValue(join), parsed.GetValue(json)),
            stop));
        return verb;
    }

    public static Command Check(Func<CheckOptions, CancellationToken, Task<int>> run)
    {
        Option<string?> config = Config();
        var schema = new Option<bool>("--schema") { Description = "Print the JSON schema of the configuration instead." };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var verb = new Command("check", "Validate the configuration, report every fault, start nothing.") { json, schema, config };
        verb.SetAction((parsed, stop) =>
            run(new CheckOptions(parsed.GetValue(config), parsed.GetValue(schema), parsed.GetValue(json)), stop));
        return verb;
    }

    public static Command Status(Func<StatusOptions, CancellationToken, Task<int>> run)
    {
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var watch = new Option<bool>("--watch") { Description = "Repeat until interrupted." };
        Option<string?> config = Config();
        var verb = new Command("status", "Show the state of each bridge of the running daemon.") { json, watch, config };
        verb.SetAction((parsed, stop) =>
            run(new StatusOptions(parsed.GetValue(json), parsed.GetValue(watch), parsed.GetValue(config)), stop));
        return verb;
    }

    public static Command Connections(Func<ConnectionsOptions, CancellationToken, Task<int>> run)
    {
        var bridge = new Argument<string?>("BRIDGE") { Description = "The one bridge to list.", Arity = ArgumentArity.ZeroOrOne };
        bridge.Validators.Add(MustBeBridge);
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        Option<string?> config = Config();
        var verb = new Command("connections", "List the connections of the running daemon.") { bridge, json, config };
        verb.SetAction((parsed, stop) =>
            run(new ConnectionsOptions(parsed.GetValue(bridge), parsed.GetValue(json), parsed.GetValue(config)), stop));
        return verb;
    }

    public static Command End(Func<EndOptions, CancellationToken, Task<int>> run)
    {
        var ids = new Argument<ulong[]>("ID") { Description = "Numbers that 'connections' lists.", Arity = ArgumentArity.ZeroOrMore };
        var bridge = new Option<string?>("--bridge") { HelpName = "NAME", Description = "All connections of a bridge." };
        bridge.Validators.Add(MustBeBridge);
        var client = new Option<string?>("--client") { HelpName = "CIDR", Description = "All connections of clients in a network." };
        client.Validators.Add(MustBeNetwork("--client"));
        Option<string?> config = Config();
        var verb = new Command("end", "Reset connections of the running daemon.") { ids, bridge, client, config };
        verb.Validators.Add(result =>
        {
            bool hasIds = result.GetResult(ids)?.Tokens.Count > 0, hasBridge = result.GetResult(bridge) is not null;
            bool hasClient = result.GetResult(client) is not null;
            if (new[] { hasIds, hasBridge, hasClient }.Count(isGiven => isGiven) != 1)
                result.AddError("end needs either IDs, --bridge NAME or --client CIDR.");
        });
        verb.SetAction((parsed, stop) => run(
            new EndOptions(parsed.GetValue(ids) ?? [], parsed.GetValue(bridge), parsed.GetValue(client), parsed.GetValue(config)), stop));
        return verb;
    }

    public static Command Doctor(Func<DoctorOptions, CancellationToken, Task<int>> run)
    {
        var bridge = new Argument<string?>("BRIDGE") { Description = "The one bridge to check.", Arity = ArgumentArity.ZeroOrOne };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        Option<string?> config = Config();
        const string About = "Check each step from client to target, name the first broken one and its cure.";
        var verb = new Command("doctor", About) { bridge, json, config };
        verb.SetAction((parsed, stop) =>
            run(new DoctorOptions(parsed.GetValue(bridge), parsed.GetValue(json), parsed.GetValue(config)), stop));
        return verb;
    }

    public static Command Discover(Func<DiscoverOptions, CancellationToken, Task<int>> run)
    {
        var place = new Argument<string?>("NAMESPACE") { Description = "The one namespace to search.", Arity = ArgumentArity.ZeroOrOne };
        place.Validators.Add(MustBeNamespace);
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        Option<string?> config = Config();
        var verb = new Command("discover", "List what listens inside namespaces, as ready-made bridge entries.") { place, json, config };
        verb.SetAction((parsed, stop) =>
            run(new DiscoverOptions(parsed.GetValue(place), parsed.GetValue(json), parsed.GetValue(config)), stop));
        return verb;
    }

    public static Command Import(Func<ImportOptions, CancellationToken, Task<int>> run)
    {
        var sources = new Argument<string[]>("SOURCE")
        {
            Description = "A command line in quotes, such as 'socat …', a script, or a unit file.",
            Arity = ArgumentArity.OneOrMore,
        };
        var place = new Option<string?>("--namespace")
        {
            HelpName = "NAME",
            Description = "The namespace of targets if nothing around a command names one.",
        };
        place.Validators.Add(MustBeNamespace);
        var verb = new Command("import", "Turn socat pairs and systemd-socket-proxyd units into bridge entries.") { sources, place };
        verb.SetAction((parsed, stop) => run(new ImportOptions([.. parsed.GetRequiredValue(sources)], parsed.GetValue(place)), stop));
        return verb;
    }

    public static Command Demo(Func<DemoOptions, CancellationToken, Task<int>> run)
    {
        var once = new Option<bool>("--once") { Description = "Try it, clean up and end." };
        var verb = new Command("demo", "Show the main job with nothing configured: a throw-away namespace and a bridge into it.") { once };
        verb.SetAction((parsed, stop) => run(new DemoOptions(parsed.GetValue(once)), stop));
        return verb;
    }

    public static Command Help(RootCommand root)
    {
        var name = new Argument<string?>("COMMAND") { Description = "The command to explain.", Arity = ArgumentArity.ZeroOrOne };
        name.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && root.Subcommands.All(command => command.Name != token.Value))
                result.AddError($"There is no command '{token.Value}'.{CommandLineApplication.Suggestion(root, token.Value)}");
        });
        var verb = new Command("help", "Explain nsbridge, or one command.") { name };
        verb.SetAction((parsed, stop) =>
        {
            string[] arguments = parsed.GetValue(name) is { } command ? [command, "--help"] : ["--help"];
            return root.Parse(arguments).InvokeAsync(parsed.InvocationConfiguration, stop);
        });
        return verb;
    }

    private delegate bool Parser(string text, out string fault);

    private static void MustParse(SymbolResult result, string what, Parser parse)
    {
        foreach (Token token in result.Tokens)
        {
            if (!parse(token.Value, out string fault))
                result.AddError($"{what} \"{token.Value}\": {fault}");
        }
    }

    private static void MustBeNamespace(SymbolResult result) => MustParse(
        result, "NAMESPACE", (string text, out string fault) => NamespaceReference.TryParse(text, out _, out fault));

    private static void MustBeBridge(SymbolResult result) => MustParse(
        result, "BRIDGE", (string text, out string fault) => BridgeName.TryParse(text, out _, out fault));

    private static Action<SymbolResult> MustBeNetwork(string what) => result => MustParse(
        result, what, (string text, out string fault) => NetworkText.TryParse(text, out _, out fault));

    private static Option<string?> Config()
    {
        var option = new Option<string?>("--config")
        {
            HelpName = "FILE",
            Description = "The configuration; without it ./appsettings.json, else /etc/nsbridge/appsettings.json.",
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: "" }])
                result.AddError("--config needs the name of a file.");
        });
        return option;
    }
}
