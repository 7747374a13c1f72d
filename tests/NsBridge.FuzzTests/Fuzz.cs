using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;

// Each has its own time, whatever runs beside it.
[assembly: Parallelizable(ParallelScope.All), LevelOfParallelism(8)]

namespace NsBridge.FuzzTests;

/// <summary>Checks generated inputs until the time is up. Each input has a seed of its own, which the failure names; with it in
/// <c>NSBRIDGE_FUZZ_SEED</c> that input comes first.</summary>
internal static class Fuzz
{
    /// <summary>The size that generators are given: the length of lists and texts, roughly.</summary>
    private const int Size = 50;

    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(int.Parse(Variable("SECONDS") ?? "10", CultureInfo.InvariantCulture));

    private static readonly ulong s_seed = Variable("SEED") is { } seed
        ? ulong.Parse(seed, CultureInfo.InvariantCulture)
        : BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    public static void Run<T>(Gen<T> inputs, Action<T> check) => RunAsync(inputs, input =>
    {
        check(input);
        return Task.CompletedTask;
    }).GetAwaiter().GetResult();

    public static async Task RunAsync<T>(Gen<T> inputs, Func<T, Task> check)
    {
        var clock = Stopwatch.StartNew();
        ulong seed = s_seed;
        do
        {
            T input = inputs.Sample(1, new Rnd(seed), Size).Single();
            try
            {
                await check(input);
            }
            catch (Exception fault)
            {
                string text = input is byte[] bytes ? Convert.ToHexString(bytes) : $"{input}";
                throw new AssertionException($"NSBRIDGE_FUZZ_SEED={seed} gives {text}: {fault}", fault);
            }
            seed++;
        }
        while (clock.Elapsed < s_time);
        await TestContext.Out.WriteLineAsync($"{seed - s_seed} inputs from seed {s_seed}");
    }

    /// <summary>A right input with a few bytes turned, replaced, cut, doubled or put in; sometimes as it is.</summary>
    /// <param name="rightOnes">Right inputs.</param>
    public static Gen<byte[]> Damaged(params byte[][] rightOnes) =>
        from right in Gen.Elements(rightOnes)
        from count in Gen.Choose(0, 4)
        from damages in s_damage.ArrayOf(count)
        select damages.Aggregate(right, (bytes, damage) => damage(bytes));

    private static readonly byte[][] s_numbers =
    [
        .. new long[] { 0, 1, -1, sbyte.MinValue, short.MaxValue, int.MinValue, int.MaxValue, 1 << 20, long.MinValue, long.MaxValue }
            .SelectMany(number => new[] { 2, 4, 8 }.Select(size => BitConverter.GetBytes(number)[..size])),
    ];

    private static readonly Gen<Func<byte[], byte[]>> s_damage = Gen.OneOf(
        Gen.Choose(0, int.MaxValue).Select(at => Changed(bytes => bytes[at / 8 % bytes.Length] ^= (byte)(1 << (at % 8)))),
        At(at => Gen.Choose(0, 255).Select(value => Changed(copy => copy[at % copy.Length] = (byte)value))),
        At(at => Gen.Elements(s_numbers).Select(number => Changed(copy =>
        {
            int start = at % copy.Length;
            number.AsSpan(0, Math.Min(number.Length, copy.Length - start)).CopyTo(copy.AsSpan(start));
        }))),
        At(at => Gen.Constant<Func<byte[], byte[]>>(bytes => bytes[..(bytes.Length == 0 ? 0 : at % bytes.Length)])),
        At(at => Gen.Choose(1, 40).Select<int, Func<byte[], byte[]>>(length => bytes =>
        {
            int start = bytes.Length == 0 ? 0 : at % bytes.Length;
            return [.. bytes[..start], .. bytes[Math.Min(start + length, bytes.Length)..]];
        })),
        At(at => Gen.Choose(0, 255).ArrayOf().Select<int[], Func<byte[], byte[]>>(more => bytes =>
        {
            int start = bytes.Length == 0 ? 0 : at % bytes.Length;
            return [.. bytes[..start], .. more.Select(value => (byte)value), .. bytes[start..]];
        })),
        At(at => Gen.Choose(1, 200).Select<int, Func<byte[], byte[]>>(length => bytes =>
        {
            int start = bytes.Length == 0 ? 0 : at % bytes.Length;
            return [.. bytes, .. bytes[start..Math.Min(start + length, bytes.Length)]];
        })));

    private static Gen<Func<byte[], byte[]>> At(Func<int, Gen<Func<byte[], byte[]>>> damage) =>
        Gen.Choose(0, int.MaxValue).SelectMany(damage);

    private static Func<byte[], byte[]> Changed(Action<byte[]> change) => bytes =>
    {
        byte[] copy = [.. bytes];
        if (copy.Length > 0)
            change(copy);
        return copy;
    };

    private static string? Variable(string name) => Environment.GetEnvironmentVariable($"NSBRIDGE_FUZZ_{name}");
}
