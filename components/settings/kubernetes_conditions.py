"""Rules between the keys of the block `kubernetes`. Pure: no Pulumi here."""

from components.settings.conditions import Condition, all_of, equals, given, more_than, negation

_ONE_NODE = all_of(given("volumes"), negation(equals("accessMode", "ReadWriteMany")))
"""A volume that Pods of one node alone can mount, so that only one Pod can."""

CONDITIONS = (
    *(
        Condition(
            when=negation(given("host")),
            then="refused",
            path=path,
            cause="belongs to an Ingress, which is made only if 'host' is given",
            remedy="add the host or take this out",
        )
        for path in ("hosts", "paths", "ingressAnnotations", "ingressClass", "tlsSecret")
    ),
    Condition(
        when=given("autoscale"),
        then="refused",
        path="replicas",
        cause="stands beside autoscale, which owns the number of Pods",
        remedy="keep one of the two",
    ),
    *(
        Condition(
            when=negation(given("volumes")),
            then="refused",
            path=path,
            cause="is about volumes, and there are none",
            remedy="add the volumes or take this out",
        )
        for path in ("accessMode", "storageClass")
    ),
    Condition(
        when=all_of(_ONE_NODE, more_than("replicas", 1)),
        then="refused",
        path="replicas",
        cause="is more than 1, and volumes that are not ReadWriteMany can be mounted by one Pod",
        remedy="take it out, or set accessMode to ReadWriteMany if the storage has it",
    ),
    Condition(
        when=_ONE_NODE,
        then="refused",
        path="autoscale",
        cause="stands beside volumes that are not ReadWriteMany, which can be mounted by one Pod",
        remedy="take it out, or set accessMode to ReadWriteMany if the storage has it",
    ),
    Condition(
        when=equals("runAsRoot", True),
        then="refused",
        path="runAsUser",
        cause="stands beside runAsRoot, which leaves the user to the image",
        remedy="keep one of the two",
    ),
    Condition(
        when=negation(given("serviceAccount")),
        then="refused",
        path="serviceAccountToken",
        cause="is the token of a ServiceAccount, and none is named",
        remedy="name it as serviceAccount, or take this out",
    ),
)
