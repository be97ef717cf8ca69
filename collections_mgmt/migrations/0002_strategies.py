import django.db.models.deletion
import django.db.models.functions.datetime
import metabrm.fields
from django.conf import settings
from django.db import migrations, models
from metabrm.migrating import Together


class Migration(migrations.Migration):

    dependencies = [
        ('collections_mgmt', '0001_initial'),
        ('customers', '0003_account_balance'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('customers', '0004_contacts'),
        ('entities', '0004_watching'),
        ('receivables', '0002_payments_and_credits'),
    ]

    operations = [
        Together([
            migrations.CreateModel(
                name='CsAccountStrategy',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('status', metabrm.fields.ListField(default='OPEN', help_text='Whether the account is collected from.', max_length=100)),
                    ('start_date', models.DateField(help_text='Day the strategy was triggered: its day 1.')),
                    ('end_date', models.DateField(blank=True, help_text='Day the case was closed.', null=True)),
                ],
                options={
                    'verbose_name': 'collection case',
                    'verbose_name_plural': 'collection cases',
                },
            ),
            migrations.CreateModel(
                name='CsAction',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('due_on_day', models.IntegerField(help_text='Day on which it is due; the day the strategy is triggered is day 1.')),
                    ('manual_flag', metabrm.fields.FlagField(db_default=False, default=False, help_text='The platform does it on the day it is due; should that fail, it is left to people.', verbose_name='automatic')),
                    ('priority', models.CharField(blank=True, help_text='How urgent it is.', max_length=100, null=True)),
                    ('contacts', metabrm.fields.ListField(help_text='It goes to the first contact of the category, or to all of them.', max_length=100, verbose_name='contacts')),
                    ('email_template_id', models.BigIntegerField(blank=True, help_text='Id of the e-mail that is sent.', null=True)),
                    ('attachment_type', metabrm.fields.ListField(blank=True, help_text='What goes along: all overdue invoices, a statement, both.', max_length=100, null=True)),
                    ('generate_statement_flag', metabrm.fields.FlagField(db_default=False, default=False, help_text='A new statement is made; off: the latest one goes along.')),
                    ('statement_from_date_formula', models.TextField(blank=True, help_text="Formula of the statement's first day.", null=True)),
                    ('statement_end_date_formula', models.TextField(blank=True, help_text="Formula of the statement's last day.", null=True)),
                ],
                options={
                    'verbose_name': 'collection step',
                    'verbose_name_plural': 'collection steps',
                },
            ),
            migrations.CreateModel(
                name='CsActionType',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('name', models.CharField(help_text='Name of the kind; unique.', max_length=255)),
                    ('status', metabrm.fields.ListField(default='ACTIVE', help_text='Whether actions may be of this kind.', max_length=100)),
                    ('type', metabrm.fields.ListField(blank=True, help_text='A call, which nobody makes automatically, an e-mail; empty = a task.', max_length=100, null=True)),
                    ('can_be_scheduled', metabrm.fields.FlagField(db_default=True, default=True, help_text='Strategies may plan it; off: it is done as soon as somebody creates it.')),
                    ('action_note', models.TextField(blank=True, help_text='What whoever does it should know.', null=True)),
                ],
                options={
                    'verbose_name': 'collection action type',
                    'verbose_name_plural': 'collection action types',
                },
            ),
            migrations.CreateModel(
                name='CsStrategy',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('name', models.CharField(help_text='Name of the strategy; unique.', max_length=255)),
                    ('description', models.CharField(help_text='What the strategy is for, in a sentence.', max_length=1000)),
                    ('status', metabrm.fields.ListField(default='ACTIVE', help_text='Whether accounts come under it.', max_length=100)),
                    ('priority', models.IntegerField(blank=True, help_text='Place in the order in which strategies are tried, low first.', null=True)),
                    ('default_flag', metabrm.fields.FlagField(db_default=False, default=False, help_text='Tried last, for individual accounts that no other strategy selects.')),
                    ('account_selection_formula', models.TextField(help_text="Which accounts it is for: {!AccountObj.Name} = 'Big Corp'.")),
                    ('account_scope', metabrm.fields.ListField(help_text='Each account by itself, or with those below it, or with those that HierarchyField joins.', max_length=100)),
                    ('separate_cases_in_hierarchy', metabrm.fields.FlagField(db_default=False, default=False, help_text='Each account of a hierarchy is a case of its own.')),
                    ('days_past_due', models.PositiveIntegerField(blank=True, help_text='Least number of days an approved invoice is overdue.', null=True)),
                    ('amount_outstanding', metabrm.fields.MoneyField(blank=True, decimal_places=10, help_text='Least amount that is overdue on approved invoices.', max_digits=28, null=True)),
                    ('amount_outstanding_for_childs', metabrm.fields.FlagField(db_default=False, default=False, help_text='What accounts below owe counts as well.', verbose_name='amount outstanding for children')),
                    ('exclude_dispute_flag', metabrm.fields.FlagField(db_default=False, default=False, help_text='Disputed invoices do not count.')),
                    ('exclude_ptp_flag', metabrm.fields.FlagField(db_default=False, default=False, help_text='Invoices that a payment is promised for do not count.', verbose_name='exclude promises to pay')),
                ],
                options={
                    'verbose_name': 'collection strategy',
                    'verbose_name_plural': 'collection strategies',
                },
            ),
            migrations.CreateModel(
                name='CsAccountAction',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('status', metabrm.fields.ListField(default='Pending', help_text='Whether it is done.', max_length=100)),
                    ('action_date', models.DateField(blank=True, db_index=True, help_text='Day it is due, or was done.', null=True)),
                    ('priority', models.CharField(blank=True, help_text='How urgent it is.', max_length=100, null=True)),
                    ('manual_flag', metabrm.fields.FlagField(db_default=False, default=False, help_text='The platform does it on the day it is due; should that fail, it is left to people.', verbose_name='automatic')),
                    ('action_note', models.TextField(blank=True, help_text='What was said and agreed.', null=True)),
                    ('ptp_id', models.BigIntegerField(blank=True, help_text='Id of the payment that was promised.', null=True, verbose_name='promise to pay id')),
                    ('call_number', models.CharField(blank=True, help_text='Telephone number that was called.', max_length=50, null=True)),
                    ('contacts', metabrm.fields.ListField(blank=True, help_text='It goes to the first contact of the category, or to all of them.', max_length=100, null=True, verbose_name='contacts')),
                    ('email_template_id', models.BigIntegerField(blank=True, help_text='Id of the e-mail that is sent.', null=True)),
                    ('email_id', models.BigIntegerField(blank=True, help_text='Id of the e-mail that was sent.', null=True)),
                    ('email_sender', models.CharField(blank=True, help_text='Address it is sent from.', max_length=255, null=True)),
                    ('email_recipient', models.CharField(blank=True, help_text='Addresses it is sent to, with commas between them.', max_length=1000, null=True)),
                    ('email_cc', models.CharField(blank=True, help_text='Addresses that get a copy.', max_length=1000, null=True, verbose_name='copies to')),
                    ('email_bcc', models.CharField(blank=True, help_text='Addresses that get a copy nobody sees.', max_length=1000, null=True, verbose_name='blind copies to')),
                    ('email_subject', models.CharField(blank=True, help_text='Subject of the e-mail.', max_length=500, null=True)),
                    ('email_body', models.TextField(blank=True, help_text='Text of the e-mail.', null=True)),
                    ('email_body_html', models.TextField(blank=True, help_text='Text of the e-mail as HTML.', null=True, verbose_name='HTML body')),
                    ('attachment_type', metabrm.fields.ListField(blank=True, help_text='What goes along.', max_length=100, null=True)),
                    ('generate_statement_flag', metabrm.fields.FlagField(db_default=False, default=False, help_text='A new statement is made; off: the latest one goes along.')),
                    ('statement_from_date_formula', models.TextField(blank=True, help_text="Formula of the statement's first day.", null=True)),
                    ('statement_end_date_formula', models.TextField(blank=True, help_text="Formula of the statement's last day.", null=True)),
                    ('account', models.ForeignKey(blank=True, help_text='The account, where it belongs to no case.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.account')),
                    ('collector_user', models.ForeignKey(blank=True, help_text='Who does it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='collector')),
                ],
                options={
                    'verbose_name': 'collection action',
                    'verbose_name_plural': 'collection actions',
                },
            ),
            migrations.AddField(
                model_name='csaccountaction',
                name='contact',
                field=models.ForeignKey(blank=True, help_text='The person it goes to.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='customers.accountcontact'),
            ),
            migrations.AddField(
                model_name='csaccountaction',
                name='contact_type',
                field=models.ForeignKey(blank=True, help_text='The category of contacts it goes to.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.contacttype', verbose_name='contact category'),
            ),
            migrations.AddField(
                model_name='csaccountaction',
                name='created_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='csaccountaction',
                name='statement_template',
                field=models.ForeignKey(blank=True, help_text='What the statement looks like.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='receivables.statementtemplate'),
            ),
            migrations.AddField(
                model_name='csaccountaction',
                name='updated_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='csaccountstrategy',
                name='account',
                field=models.ForeignKey(help_text='The account that owes.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.account'),
            ),
            migrations.AddField(
                model_name='csaccountstrategy',
                name='created_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='csaccountstrategy',
                name='updated_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='csaccountaction',
                name='account_strategy',
                field=models.ForeignKey(blank=True, help_text='The case it belongs to.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='collections_mgmt.csaccountstrategy'),
            ),
            migrations.AddField(
                model_name='csaction',
                name='contact_type',
                field=models.ForeignKey(help_text='The category of contacts it goes to.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.contacttype', verbose_name='contact category'),
            ),
            migrations.AddField(
                model_name='csaction',
                name='created_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='csaction',
                name='statement_template',
                field=models.ForeignKey(blank=True, help_text='What the statement looks like.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='receivables.statementtemplate'),
            ),
            migrations.AddField(
                model_name='csaction',
                name='updated_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='csactiontype',
                name='created_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='csactiontype',
                name='updated_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='csactiontype',
                name='when_created_workflow_rule',
                field=models.ForeignKey(blank=True, help_text='The workflow that runs when it is created.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='entities.workflowrule'),
            ),
            migrations.AddField(
                model_name='csactiontype',
                name='workflow_rule',
                field=models.ForeignKey(blank=True, help_text='The workflow that runs when it is completed.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='entities.workflowrule'),
            ),
            migrations.AddField(
                model_name='csaction',
                name='action_type',
                field=models.ForeignKey(help_text='What kind of action it is.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='collections_mgmt.csactiontype'),
            ),
            migrations.AddField(
                model_name='csaccountaction',
                name='action_type',
                field=models.ForeignKey(blank=True, help_text='What kind of action it is.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='collections_mgmt.csactiontype'),
            ),
            migrations.AddField(
                model_name='csstrategy',
                name='created_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='csstrategy',
                name='hierarchy_field',
                field=models.ForeignKey(blank=True, help_text='The field that joins accounts to a custom hierarchy.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='entities.entityfield'),
            ),
            migrations.AddField(
                model_name='csstrategy',
                name='updated_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='csaction',
                name='strategy',
                field=models.ForeignKey(blank=True, help_text='The strategy it is a step of.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='collections_mgmt.csstrategy'),
            ),
            migrations.AddField(
                model_name='csaccountstrategy',
                name='strategy',
                field=models.ForeignKey(help_text='The strategy that selected it.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='collections_mgmt.csstrategy'),
            ),
            migrations.AddConstraint(
                model_name='csactiontype',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('name',), name='collections_mgmt_csactiontype_name_key'),
            ),
            migrations.AddConstraint(
                model_name='csaccountaction',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='collections_mgmt_csaccountaction_external_key_key'),
            ),
            migrations.AddConstraint(
                model_name='csstrategy',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('name',), name='collections_mgmt_csstrategy_name_key'),
            ),
            migrations.AddConstraint(
                model_name='csstrategy',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('account_scope', 'Custom Hierarchy'), _negated=True), ('hierarchy_field__isnull', False), _connector='OR'), name='collections_mgmt_csstrategy_custom_hierarchy', violation_error_message='AccountScope Custom Hierarchy asks for a HierarchyField'),
            ),
            migrations.AddConstraint(
                model_name='csstrategy',
                constraint=models.CheckConstraint(condition=models.Q(('default_flag', False), ('account_scope', 'Individual Accounts'), _connector='OR'), name='collections_mgmt_csstrategy_default_scope', violation_error_message='A default strategy has AccountScope Individual Accounts'),
            ),
            migrations.AddConstraint(
                model_name='csstrategy',
                constraint=models.CheckConstraint(condition=models.Q(('amount_outstanding__gte', 0)), name='collections_mgmt_csstrategy_amount_not_negative', violation_error_message='AmountOutstanding is 0 or more'),
            ),
            migrations.AddConstraint(
                model_name='csaction',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='collections_mgmt_csaction_external_key_key'),
            ),
            migrations.AddConstraint(
                model_name='csaction',
                constraint=models.CheckConstraint(condition=models.Q(('due_on_day__gte', 1)), name='collections_mgmt_csaction_due_on_day_from_1', violation_error_message='DueOnDay is 1 or more; the day of the trigger is day 1'),
            ),
            migrations.AddConstraint(
                model_name='csaccountstrategy',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='collections_mgmt_csaccountstrategy_external_key_key'),
            ),
            migrations.AddConstraint(
                model_name='csaccountstrategy',
                constraint=models.CheckConstraint(condition=models.Q(('end_date__gte', models.F('start_date'))), name='collections_mgmt_csaccountstrategy_ends_after_start', violation_error_message='EndDate is not before StartDate'),
            ),
        ]),
    ]
