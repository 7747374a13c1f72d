using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.Bridges.Admission;
using NsBridge.Control;

namespace NsBridge.UnitTests.Bridges;

internal sealed class DescriptorBudgetTests
{
    [Test]
    public void Measure_WhileClientsHaveNotTakenWhatTheyMay_MakesNoMoreRoom()
    {
        var pressure = new DescriptorBudget(2 * ShortRequestServer.MostSessions, NullLogger<DescriptorBudget>.Instance);
        int clients = 0;
        for (; pressure.HasRoom; clients++)
            pressure.Enter(1);

        pressure.Measure();
        Assert.That(pressure.HasRoom, Is.False);

        pressure.Leave(clients);
        for (int again = 0; again < clients; again++)
            pressure.Enter(1);
        Assert.That(pressure.HasRoom, Is.False, "as much as before");
    }

    [Test]
    public void CountEntries_OfAFolderThatCannotBeOpened_IsNoFault() =>
        Assert.That(DescriptorBudget.CountEntries($"/proc/self/{Path.GetRandomFileName()}"), Is.Null);
}
