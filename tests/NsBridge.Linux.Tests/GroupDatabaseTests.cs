using System.Globalization;

namespace NsBridge.Linux.Tests;

[TestFixture, NsBridge.Testing.LeaksNothing]
internal sealed class GroupDatabaseTests
{
    [Test]
    public void TryFind_EveryGroupOfTheFile_HasItsNumber()
    {
        // NAME:PASSWORD:NUMBER:MEMBERS; of two lines with one name the first counts.
        IEnumerable<string[]> groups = File.ReadLines("/etc/group").Select(line => line.Split(':')).Where(fields => fields.Length == 4 && fields[0][0] is not ('+' or '-'));
        foreach (string[]? fields in groups.DistinctBy(fields => fields[0]))
        {
            Assert.That(GroupDatabase.TryFind(fields[0], out uint id), Is.True, fields[0]);
            Assert.That(id, Is.EqualTo(uint.Parse(fields[2], CultureInfo.InvariantCulture)), fields[0]);
        }
    }

    [TestCase("")]
    [TestCase("no-such-group-here")]
    [TestCase("root:x")]
    public void TryFind_NoSuchGroup_IsFalse(string name) => Assert.That(GroupDatabase.TryFind(name, out _), Is.False);
}
