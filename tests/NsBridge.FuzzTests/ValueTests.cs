using System.Net;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using NsBridge.Configuration.Values;

namespace NsBridge.FuzzTests;

/// <summary>What a value's parser accepts means the same when it is written again in its plainest form; a refusal has a reason.</summary>
internal sealed class ValueTests
{
    private delegate bool Parser<T>(string text, out T value, out string fault);

    private static readonly Gen<string> s_endpoint = Texts(
        "3003", "8000-8009", "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80-90", "*:53", "localhost:65535", "[::ffff:10.0.0.1]:1");

    [Test]
    public void Listen_ThatIsAccepted_ReadsTheSameAgain() => RoundTrip<ListenEndpoint>(s_endpoint, ListenEndpoint.TryParse, value =>
        (value.Scope switch
        {
            ListenScope.Address => $"{Host(value.Literal!)}:{value.Ports}",
            ListenScope.Interface => $"{value.Interface}:{value.Ports}",
            ListenScope.Any => $"*:{value.Ports}",
            _ => $"{value.Ports}",
        },
        value with { Text = "" }));

    [Test]
    public void Target_ThatIsAccepted_ReadsTheSameAgain() =>
        RoundTrip<TargetEndpoint>(Gen.OneOf(s_endpoint, Texts("unix:/run/app.sock", "unix:@app")), TargetEndpoint.TryParse, value =>
            (value.Kind switch
            {
                TargetKind.Address => $"{Host(value.Literal!)}:{value.Ports}",
                TargetKind.Localhost => $"localhost:{value.Ports}",
                TargetKind.UnixPath => $"unix:{value.UnixName}",
                _ => $"unix:@{value.UnixName}",
            },
            value with { Text = "" }));

    [Test]
    public void Network_ThatIsAccepted_ReadsTheSameAgain() => RoundTrip<IPNetwork>(
        Texts("10.0.0.0/8", "192.168.1.7", "fd00::/8", "::1", "::ffff:10.0.0.0/104", "0.0.0.0/0"), NetworkText.TryParse,
        value => ($"{value.BaseAddress}/{value.PrefixLength}", value));

    [Test]
    public void Duration_ThatIsAccepted_ReadsTheSameAgain() => RoundTrip<TimeSpan>(
        Texts("00:00:05", "1.23:59:59", "00:00:00.0015", "10675199.02:48:05.4775807"), DurationText.TryParse,
        value => (value.ToString("c", System.Globalization.CultureInfo.InvariantCulture), value));

    [Test]
    public void Namespace_ThatIsAccepted_ReadsTheSameAgain() => RoundTrip<NamespaceReference>(
        Texts("vpn", "/run/netns/vpn", "pid:1234", "unit:a@b.service", "container:web", "machine:web", "host"), NamespaceReference.TryParse,
        value => (value.Text, value));

    private static void RoundTrip<T>(Gen<string> texts, Parser<T> parse, Func<T, (string Text, object Meaning)> plainest) =>
        Fuzz.Run(texts, text =>
        {
            if (!parse(text, out T value, out string fault))
            {
                Assert.That(fault, Does.Contain(" "), "a sentence");
                return;
            }

            (string written, object meaning) = plainest(value);
            Assert.That(parse(written, out T again, out fault), $"{written}: {fault}");
            Assert.That(plainest(again).Meaning, Is.EqualTo(meaning), written);
        });

    private static string Host(AddressLiteral literal) => literal.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6
        ? $"[{literal}]"
        : $"{literal}";

    /// <summary>Right ones, damaged in the characters that such values have.</summary>
    private static Gen<string> Texts(params string[] right) =>
        from damaged in Fuzz.Damaged([.. right.Select(Encoding.ASCII.GetBytes)])
        from noise in Gen.Elements("0123456789abcdefx:.-/[]%*@ ".ToCharArray()).ArrayOf(3)
        select string.Concat(Encoding.UTF8.GetString(damaged).Select((c, at) => char.IsAscii(c) && !char.IsControl(c) ? c : noise[at % 3]));
}
