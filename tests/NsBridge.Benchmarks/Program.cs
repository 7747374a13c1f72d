using NsBridge.Benchmarks;
using NsBridge.Benchmarks.Load;
using NsBridge.Benchmarks.Report;

// The services run in a process of their own inside the namespace: this program again.
if (args is ["serve"])
{
    ServiceProcess.Run();
    return 0;
}
if (BenchmarkOptions.Parse(args) is not { } options)
{
    Console.Error.WriteLine(BenchmarkOptions.Usage);
    return 64;
}
if (!Environment.IsPrivilegedProcess)
{
    Console.Error.WriteLine("The benchmark makes network namespaces: run it as root.");
    return 77;
}
await using Arena arena = await Arena.CreateAsync();
Results results = await new Tournament(arena, options).RunAsync();
Console.WriteLine(TextTable.Of(results));
if (options.Output is { } folder)
    await BenchmarkReport.WriteAsync(folder, results, options);
return results.HasErrors ? 1 : 0;
