using NsBridge.CommandLine;

return await CommandLineApplication.RunAsync(CommandTree.Build(), args);
