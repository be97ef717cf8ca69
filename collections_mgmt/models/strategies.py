"""Strategies: which accounts are reminded, when, by whom and how."""

from django.db import models
from django.db.models import Q

from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ACTIVE_OR_NOT, FlagField, ListField

#: What a message carries along, and whom it goes to.
ATTACHMENTS = ("Invoice", "Statement", "Invoice + Statement")
CONTACTS = ("Exact Contact", "All Contacts")


class CsStrategy(EntityModel):
    """A way to collect: the accounts it is for, what they must owe, and its place among others."""

    name = models.CharField(max_length=255, help_text="Name of the strategy; unique.")
    description = models.CharField(
        max_length=1000, help_text="What the strategy is for, in a sentence."
    )
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether accounts come under it."
    )
    priority = optional.whole("Place in the order in which strategies are tried, low first.")
    default_flag = FlagField(
        help_text="Tried last, for individual accounts that no other strategy selects."
    )
    account_selection_formula = models.TextField(
        help_text="Which accounts it is for: {!AccountObj.Name} = 'Big Corp'."
    )
    account_scope = ListField(
        values=("Individual Accounts", "Account Hierarchy", "Custom Hierarchy"),
        help_text="Each account by itself, or with those below it, or with those that "
        "HierarchyField joins.",
    )
    hierarchy_field = optional.lookup(
        "entities.EntityField",
        "The field that joins accounts to a custom hierarchy.",
        models.PROTECT,
    )
    separate_cases_in_hierarchy = FlagField(
        help_text="Each account of a hierarchy is a case of its own."
    )
    days_past_due = optional.count("Least number of days an approved invoice is overdue.")
    amount_outstanding = optional.money("Least amount that is overdue on approved invoices.")
    amount_outstanding_for_childs = FlagField(
        verbose_name="amount outstanding for children",
        help_text="What accounts below owe counts as well.",
    )
    exclude_dispute_flag = FlagField(help_text="Disputed invoices do not count.")
    exclude_ptp_flag = FlagField(
        verbose_name="exclude promises to pay",
        help_text="Invoices that a payment is promised for do not count.",
    )

    brm = EntityOptions(
        name="CS_STRATEGY",
        names={"hierarchy_field": "HierarchyField", "exclude_ptp_flag": "ExcludePTPFlag"},
        external_keys=("name",),
        example={"AccountSelectionFormula": "{!AccountObj.Name} = 'Big Corp'"},
    )

    class Meta:
        verbose_name = "collection strategy"
        verbose_name_plural = "collection strategies"
        constraints = [
            live_unique("collections_mgmt_csstrategy", "name"),
            models.CheckConstraint(
                condition=~Q(account_scope="Custom Hierarchy") | Q(hierarchy_field__isnull=False),
                name="collections_mgmt_csstrategy_custom_hierarchy",
                violation_error_message="AccountScope Custom Hierarchy asks for a HierarchyField",
            ),
            models.CheckConstraint(
                condition=Q(default_flag=False) | Q(account_scope="Individual Accounts"),
                name="collections_mgmt_csstrategy_default_scope",
                violation_error_message="A default strategy has AccountScope Individual Accounts",
            ),
            models.CheckConstraint(
                condition=Q(amount_outstanding__gte=0),
                name="collections_mgmt_csstrategy_amount_not_negative",
                violation_error_message="AmountOutstanding is 0 or more",
            ),
        ]


class CsActionType(EntityModel):
    """A kind of action: a call, an e-mail or a task, and whether strategies may plan it."""

    name = models.CharField(max_length=255, help_text="Name of the kind; unique.")
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether actions may be of this kind."
    )
    type = optional.choice(
        ("Call", "Email"), "A call, which nobody makes automatically, an e-mail; empty = a task."
    )
    can_be_scheduled = FlagField(
        default=True,
        help_text="Strategies may plan it; off: it is done as soon as somebody creates it.",
    )
    action_note = optional.long_text("What whoever does it should know.")
    when_created_workflow_rule = optional.lookup(
        "entities.WorkflowRule", "The workflow that runs when it is created.", models.PROTECT
    )
    workflow_rule = optional.lookup(
        "entities.WorkflowRule", "The workflow that runs when it is completed.", models.PROTECT
    )

    brm = EntityOptions(name="CS_ACTION_TYPE", external_keys=("name",))

    class Meta:
        verbose_name = "collection action type"
        verbose_name_plural = "collection action types"
        constraints = [live_unique("collections_mgmt_csactiontype", "name")]


class CsAction(ExternallyKeyed, EntityModel):
    """A step of a strategy: what is done on which day, to whom, and what goes along."""

    strategy = optional.lookup(
        "collections_mgmt.CsStrategy", "The strategy it is a step of.", models.CASCADE
    )
    action_type = models.ForeignKey(
        CsActionType, models.PROTECT, related_name="+", help_text="What kind of action it is."
    )
    due_on_day = models.IntegerField(
        help_text="Day on which it is due; the day the strategy is triggered is day 1."
    )
    manual_flag = FlagField(
        verbose_name="automatic",
        help_text="The platform does it on the day it is due; should that fail, it is left to "
        "people.",
    )
    priority = optional.text(100, "How urgent it is.")
    contact_type = models.ForeignKey(
        "customers.ContactType",
        models.PROTECT,
        related_name="+",
        verbose_name="contact category",
        help_text="The category of contacts it goes to.",
    )
    contacts = ListField(
        values=CONTACTS,
        verbose_name="contacts",
        help_text="It goes to the first contact of the category, or to all of them.",
    )
    email_template_id = optional.number_of("Id of the e-mail that is sent.")
    attachment_type = optional.choice(
        ATTACHMENTS, "What goes along: all overdue invoices, a statement, both."
    )
    statement_template = optional.lookup(
        "receivables.StatementTemplate", "What the statement looks like.", models.PROTECT
    )
    generate_statement_flag = FlagField(
        help_text="A new statement is made; off: the latest one goes along."
    )
    statement_from_date_formula = optional.long_text("Formula of the statement's first day.")
    statement_end_date_formula = optional.long_text("Formula of the statement's last day.")

    brm = EntityOptions(
        name="CS_ACTION",
        names={"contacts": "ContactType"},
        external_keys=("external_key",),
        title="action_type",
        described_by=("strategy", "action_type"),
    )

    class Meta:
        verbose_name = "collection step"
        verbose_name_plural = "collection steps"
        constraints = [
            live_unique("collections_mgmt_csaction", "external_key"),
            models.CheckConstraint(
                condition=Q(due_on_day__gte=1),
                name="collections_mgmt_csaction_due_on_day_from_1",
                violation_error_message="DueOnDay is 1 or more; the day of the trigger is day 1",
            ),
        ]
