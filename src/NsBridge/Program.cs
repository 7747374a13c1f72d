using NsBridge.Base;
using NsBridge.CommandLine;
using NsBridge.Commands.Demo;

StandardStreams.Take();

switch (args)
{
    // Before anything that could leave the main thread: the holder's main thread is its namespace.
    case [NamespaceHolder.Argument]:
        return NamespaceHolder.Run();
    case [RootlessHalf.Argument]:
        return await RootlessHalf.RunAsync();
    default:
        return await CommandLineApplication.RunAsync(CommandTree.Build(StopSignals.OfProcess), args, StopSignals.OfProcess.Stop);
}
