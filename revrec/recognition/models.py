"""Revenue contracts: what was promised to a customer, as accounting sees it."""

from django.db import models
from django.db.models import F, Q

from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ListField


class RevrecContract(ExternallyKeyed, EntityModel):
    """A revenue contract; modified, it is superseded by another that goes on in its place."""

    name = models.CharField(max_length=255, help_text="Name of the revenue contract.")
    account = optional.lookup("customers.Account", "The account it was made with.", models.PROTECT)
    status = ListField(
        values=("Current", "Superseded"),
        default="Current",
        help_text="A current contract may be edited, a superseded one is kept as it was.",
    )
    start_date = optional.day("First day of the contract.")
    end_date = optional.day("Last day of the contract; empty = no end.")
    contract_gl_status = optional.text(
        100, "How far its entries in the ledger are.", verbose_name="ledger status"
    )

    # How it changed
    edit_modify_contract = optional.text(100, "Whether a change edits the contract or modifies it.")
    contract_modification_method = optional.text(100, "How a modification is accounted for.")
    contract_modification_date = optional.day("Day from which the modification counts.")
    supersedes = optional.lookup("self", "The contract that this one goes on from.")
    superseded_by = optional.lookup("self", "The contract that goes on from this one.")
    original_contract = optional.lookup("self", "The first contract of the chain.")
    current_active_contract = optional.lookup("self", "The latest contract of the chain.")

    brm = EntityOptions(
        name="REVREC_CONTRACT",
        names={
            "contract_gl_status": "ContractGLStatus",
            "current_active_contract": "CurrentActiveContract",
            "original_contract": "OriginalContract",
            "superseded_by": "SupersededBy",
            "supersedes": "Supersedes",
        },
        external_keys=("external_key",),
    )

    class Meta:
        verbose_name = "revenue contract"
        verbose_name_plural = "revenue contracts"
        constraints = [
            live_unique("recognition_revreccontract", "external_key"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")),
                name="recognition_revreccontract_ends_after_start",
                violation_error_message="EndDate is not before StartDate",
            ),
            models.CheckConstraint(
                condition=~Q(supersedes=F("id")) & ~Q(superseded_by=F("id")),
                name="recognition_revreccontract_not_its_own_successor",
                violation_error_message="Supersedes and SupersededBy are contracts other than "
                "itself",
            ),
        ]


class RevrecContractPreview(EntityModel):
    """What a revenue contract would look like, as a document of one session."""

    session_id = optional.text(255, "The session it was made in; unique.")
    account = optional.lookup(
        "customers.Account", "The account the contract would be made with.", models.CASCADE
    )
    new_rev_rec_contract_name = optional.text(
        255, "Name the contract would have.", verbose_name="name of the new revenue contract"
    )
    data_xml = models.TextField(
        verbose_name="document", help_text="The contract that would be made, as XML."
    )

    brm = EntityOptions(
        name="REVREC_CONTRACT_PREVIEW",
        names={"data_xml": "DataXML"},
        external_keys=("session_id",),
        title="new_rev_rec_contract_name",
        history=False,
    )

    class Meta:
        verbose_name = "revenue contract preview"
        verbose_name_plural = "revenue contract previews"
        constraints = [live_unique("recognition_revreccontractpreview", "session_id")]


class RevrecUpdateRule(ExternallyKeyed, EntityModel):
    """When a change of an account product reaches its revenue contract, and how."""

    order_of_evaluation = models.IntegerField(
        help_text="Place in the order in which rules are tried, low first."
    )
    rule_criteria = models.CharField(max_length=1000, help_text="Which changes the rule is for.")
    filter_logic = optional.long_text("Filters of the changes, joined by logic: 1 AND (2 OR 3).")
    formula = optional.long_text("Formula that is true for the changes.")
    update_rev_rec_contract_product = ListField(
        values=(
            "Update and Activate Contract Change",
            "Update as a Draft Contract Change",
            "Do Not Update",
        ),
        verbose_name="update revenue contract product",
        help_text="Entries change at once, or when the draft is activated, or not at all.",
    )

    brm = EntityOptions(
        name="REVREC_UPDATE_RULE", external_keys=("external_key",), title="rule_criteria"
    )

    class Meta:
        verbose_name = "revenue update rule"
        verbose_name_plural = "revenue update rules"
        constraints = [live_unique("recognition_revrecupdaterule", "external_key")]


class ProcessQueueRevenueCommitment(ExternallyKeyed, EntityModel):
    """A revenue commitment that waits to be settled: what was promised against what was charged."""

    account = models.ForeignKey(
        "customers.Account",
        models.PROTECT,
        related_name="+",
        help_text="The account that made the commitment.",
    )
    account_product = optional.lookup(
        "customers.AccountProduct", "The provisioned product that carries it.", models.PROTECT
    )
    revrec_contract = optional.lookup(
        "recognition.RevrecContract",
        "The revenue contract it counts for.",
        verbose_name="revenue contract",
    )
    process_date = optional.day("Day it is to be settled.", db_index=True)
    status = ListField(
        values=("PENDING", "RUNNING", "COMPLETED", "FAILED"),
        default="PENDING",
        help_text="How far it has come.",
    )
    attempt_count = models.PositiveIntegerField(default=0, help_text="How often it was tried.")
    start_date = optional.moment("When it was taken up.")
    end_date = optional.moment("When it was done.")
    error_text = optional.text(4000, "Why it could not be settled.")

    brm = EntityOptions(
        name="PROCESS_QUEUE_REVENUE_COMMITMENT",
        names={"revrec_contract": "RevRecContractId"},
        external_keys=("external_key",),
        title="account",
        history=False,
    )

    class Meta:
        verbose_name = "revenue commitment to settle"
        verbose_name_plural = "revenue commitments to settle"
        constraints = [
            live_unique("recognition_processqueuerevenuecommitment", "external_key"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")),
                name="recognition_processqueue_ends_after_start",
                violation_error_message="EndDate is not before StartDate",
            ),
        ]
