using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using NsBridge.Base;
using NsBridge.Configuration.Options;

namespace NsBridge.CommandLine;

/// <summary>Reads the command line, runs its command, and turns faults into lines on standard error and an exit code.</summary>
internal static class CommandLineApplication
{
    public static async Task<int> RunAsync(RootCommand root, string[] arguments, CancellationToken stop)
    {
        // No response files: `@name` is an argument like any other.
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        string[] faults = parsed.Errors.Select(error => error.Message)
            .Concat(Directives(parsed)).Concat(OptionsBeforeVerb(parsed)).Concat(UnknownOptions(parsed)).ToArray();
        if (faults.Length > 0 && parsed.Action is not (HelpAction or ShortHelpAction or VersionAction))
        {
            bool isUnknownCommand = parsed.CommandResult == parsed.RootCommandResult && parsed.UnmatchedTokens.Count > 0;
            string suggestion = isUnknownCommand ? Suggestion(root, parsed.UnmatchedTokens[0]) : "";
            foreach (string fault in faults)
                await Console.Error.WriteLineAsync($"nsbridge: {fault}{suggestion}");
            await Console.Error.WriteLineAsync("Try 'nsbridge --help'.");
            return ExitCode.Usage;
        }

        var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
        try
        {
            return await parsed.InvokeAsync(invocation, stop);
        }
        catch (UserErrorException fault)
        {
            await Console.Error.WriteLineAsync(fault.Message);
            return fault.ExitCode;
        }
        catch (OutputClosedException)
        {
            return ExitCode.Success;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Failed;
        }
        catch (Exception unexpected)
        {
            // A defect of the program, which is reported with its trace.
            await Console.Error.WriteLineAsync($"nsbridge: this should not have happened: {unexpected}");
            return ExitCode.Failed;
        }
    }

    /// <summary>A sentence with the command whose name is nearest, at most two letters away or begun so; empty if there is none.</summary>
    public static string Suggestion(RootCommand root, string word)
    {
        (int Distance, string Name) nearest = root.Subcommands.Select(command => (DistanceTo(command.Name), command.Name)).Min();
        return nearest.Distance <= 2 && nearest.Distance < word.Length ? $" Did you mean 'nsbridge {nearest.Name}'?" : "";

        int DistanceTo(string name) =>
            word.Length > 1 && name.StartsWith(word, StringComparison.Ordinal) ? 0 : EditDistance.Between(word.ToLowerInvariant(), name);
    }

    /// <summary>Words in brackets before the command: the parser drops them although there are no directives.</summary>
    private static IEnumerable<string> Directives(ParseResult parsed) =>
        parsed.Tokens.Where(token => token.Type == TokenType.Directive)
            .Select(token => $"Unrecognized command or argument '{token.Value}'.");

    /// <summary>Options of the default command before another one: <c>nsbridge --config F check</c> would ignore F.</summary>
    private static IEnumerable<string> OptionsBeforeVerb(ParseResult parsed) => parsed.CommandResult == parsed.RootCommandResult
        ? []
        : parsed.RootCommandResult.Children.OfType<OptionResult>()
            .Where(option => !option.Implicit)
            .Select(option => $"'{option.Option.Name}' belongs behind '{parsed.CommandResult.Command.Name}'.");

    /// <summary>Unknown options, which the parser takes for an argument if there is one. Behind <c>--</c> they are arguments.</summary>
    private static IEnumerable<string> UnknownOptions(ParseResult parsed)
    {
        int meant = parsed.Tokens.SkipWhile(token => token.Type != TokenType.DoubleDash).Skip(1).Count();
        return parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).SkipLast(meant)
            .Where(token => token.Value is ['-', _, ..])
            .Select(token => $"there is no option '{token.Value}'; behind '--' it is an argument.");
    }
}
