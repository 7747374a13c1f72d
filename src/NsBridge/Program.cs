using NsBridge.CommandLine;
using NsBridge.Operations.Demo;

// Before anything that could leave the main thread: the holder's main thread is its namespace.
if (args is [NamespaceHolder.Argument])
    return NamespaceHolder.Run();
return await CommandLineApplication.RunAsync(CommandTree.Build(), args);
