using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.Bridges.Admission;
using NsBridge.Control;
using NsBridge.Linux.Interop;

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
    public void Flows_TakeOneDescriptorEach()
    {
        var budget = new DescriptorBudget(servers: 0, NullLogger<DescriptorBudget>.Instance);
        int clients = 0, flows = 0;
        for (; budget.TryFindRoom(DescriptorBudget.PerClient); clients++)
            budget.Reserve(DescriptorBudget.PerClient);
        budget.Release(clients * DescriptorBudget.PerClient);
        for (; budget.TryFindRoom(DescriptorBudget.PerFlow); flows++)
            budget.Reserve(DescriptorBudget.PerFlow);

        Assert.That(flows, Is.InRange(2 * clients, 2 * clients + 1));
    }

    [Test]
    public void FlowsPerBridge_OfManyBridges_AreAQuarterOfTheDescriptorsInAll()
    {
        const int Bridges = 100;
        var budget = new DescriptorBudget(servers: 0, NullLogger<DescriptorBudget>.Instance);
        int quarter = Libc.DescriptorLimit() / 4;
        int alone = budget.FlowsPerBridge;
        budget.CountFlowBridges(Bridges);

        Assert.That(alone, Is.EqualTo(Math.Min(8192, quarter)));
        Assert.That(budget.FlowsPerBridge, Is.EqualTo(Math.Clamp(quarter / Bridges, 1, 8192)));
        budget.CountFlowBridges(1 - Bridges);
        Assert.That(budget.FlowsPerBridge, Is.EqualTo(alone));
    }

    [Test]
    public void CountEntries_OfAFolderThatCannotBeOpened_IsNoFault() =>
        Assert.That(DescriptorBudget.CountEntries($"/proc/self/{Path.GetRandomFileName()}"), Is.Null);
}
