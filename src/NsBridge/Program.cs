using NsBridge.Base;
using NsBridge.CommandLine;
using NsBridge.Commands.Demo;
using NsBridge.Commands.Expose;

StandardStreams.Take();

// First, on the main thread: its namespace is that of the child for other processes.
if (args is [DemoChild.Argument, ..])
    return await DemoChild.RunAsync(isRootless: args is [_, DemoChild.Rootless]);
if (args is [InsideProcess.Argument, string channel])
    return InsideProcess.Serve(channel);
if (!ProcessLimits.Suffice(out string shortage))
{
    Console.Error.WriteLine(shortage);
    return ExitCode.Failed;
}
return await CommandLineApplication.RunAsync(CommandTree.Build(StopSignals.OfProcess), args, StopSignals.OfProcess.Stop);
