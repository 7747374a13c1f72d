using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.Bridges.Admission;
using NsBridge.Control;

namespace NsBridge.UnitTests.Bridges;

internal sealed class DescriptorBudgetTests
{
    [Test]
    public void Measure_WhileClientsHaveNotTakenWhatTheyMay_MakesNoMoreRoom()
    {
        var budget = new DescriptorBudget(2 * ShortRequestServer.MostSessions, NullLogger<DescriptorBudget>.Instance);
        int clients = 0;
        for (; budget.HasRoom; clients++)
            budget.Reserve(1);

        budget.Measure();
        Assert.That(budget.HasRoom, Is.False);

        budget.Release(clients);
        for (int again = 0; again < clients; again++)
            budget.Reserve(1);
        Assert.That(budget.HasRoom, Is.False, "as much as before");
    }

    [Test]
    public void CountEntries_OfAFolderThatCannotBeOpened_IsNoFault() =>
        Assert.That(DescriptorBudget.CountEntries($"/proc/self/{Path.GetRandomFileName()}"), Is.Null);
}
