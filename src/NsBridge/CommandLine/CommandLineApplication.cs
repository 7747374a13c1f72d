using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using NsBridge.Base;

namespace NsBridge.CommandLine;

/// <summary>Reads the command line, runs its verb, and turns what goes wrong into lines on stderr and an exit code.</summary>
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
            foreach (string? fault in faults)
                await Console.Error.WriteLineAsync($"nsbridge: {fault}");
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
            // Nobody but the project can mend this, and it needs the trace for that.
            await Console.Error.WriteLineAsync($"nsbridge: this should not have happened: {unexpected}");
            return ExitCode.Failed;
        }
    }

    /// <summary>Bracketed words before the verb: the parser swallows them although there are no directives.</summary>
    private static IEnumerable<string> Directives(ParseResult parsed) =>
        parsed.Tokens.Where(token => token.Type == TokenType.Directive).Select(token => $"Unrecognized command or argument '{token.Value}'.");

    /// <summary>
    /// Options of the default verb that stand before another one: <c>nsbridge --config F check</c> would read F and forget it.
    /// </summary>
    private static IEnumerable<string> OptionsBeforeVerb(ParseResult parsed) => parsed.CommandResult == parsed.RootCommandResult
        ? []
        : parsed.RootCommandResult.Children.OfType<OptionResult>()
            .Where(option => !option.Implicit)
            .Select(option => $"'{option.Option.Name}' belongs behind '{parsed.CommandResult.Command.Name}'.");

    /// <summary>Options that no verb has, which the parser takes for an argument where the verb has room for one. Behind <c>--</c> they are arguments.</summary>
    private static IEnumerable<string> UnknownOptions(ParseResult parsed)
    {
        int meant = parsed.Tokens.SkipWhile(token => token.Type != TokenType.DoubleDash).Skip(1).Count();
        return parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).SkipLast(meant)
            .Where(token => token.Value is ['-', _, ..])
            .Select(token => $"there is no option '{token.Value}'; behind '--' it is an argument.");
    }
}
