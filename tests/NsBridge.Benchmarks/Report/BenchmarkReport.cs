using System.Globalization;
using System.Text;

namespace NsBridge.Benchmarks.Report;

/// <summary>The results for readers of the documentation: <c>benchmark.md</c> and <c>benchmark.svg</c>.</summary>
internal static class BenchmarkReport
{
    internal static async Task WriteAsync(string folder, Results results, BenchmarkOptions options)
    {
        Directory.CreateDirectory(folder);
        IReadOnlyList<string> facts = await MachineFacts.CollectAsync(results.Systems);
        await File.WriteAllTextAsync(Path.Combine(folder, "benchmark.svg"), BarChart.Of(results));
        await File.WriteAllTextAsync(Path.Combine(folder, "benchmark.md"), Markdown(results, facts, options));
    }

    private static string Markdown(Results results, IReadOnlyList<string> facts, BenchmarkOptions options)
    {
        string first = results.Systems[0];
        IReadOnlyList<string> headings = Row.Headings(first);
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"""
            # Benchmark

            {string.Join('\n', facts.Select(fact => $"- {fact}"))}

            A TCP port of the host leads to a service on 127.0.0.1 inside a network namespace; client, relay and service share
            the processors. Medians of {options.Rounds} rounds of {options.Seconds} s, the systems in turn within each round.
            "{first} is" is the rate of {first} over that of the row, taken within each round. "Relay CPU" is the processor
            time of the relay's own processes, for each GB or 100,000 requests or connections.
            `direct` has no relay: the client crosses a veth pair. `socat` is a pair of them, joined by a UNIX socket.

            ![{first} beside the others](benchmark.svg)

            | {string.Join(" | ", headings)} |
            |{string.Concat(headings.Select((_, column) => column < 2 ? "---|" : "---:|"))}

            """));
        foreach (Row row in results.Rows())
            text.Append("| ").AppendJoin(" | ", row.Cells).Append(" |\n");
        return text.Append("\nAgain on your machine, as root: `dotnet run --project tests/NsBridge.Benchmarks -c Release`\n").ToString();
    }
}
