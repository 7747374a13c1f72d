using System.Runtime.CompilerServices;

// Every signature here is blittable: no marshalling stands between the caller and the kernel.
[assembly: DisableRuntimeMarshalling]
