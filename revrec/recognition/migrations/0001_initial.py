import django.db.models.deletion
import django.db.models.functions.datetime
import metabrm.fields
from django.conf import settings
from django.db import migrations, models
from metabrm.migrating import Together


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('customers', '0004_contacts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Together([
            migrations.CreateModel(
                name='RevrecContract',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('name', models.CharField(help_text='Name of the revenue contract.', max_length=255)),
                    ('status', metabrm.fields.ListField(default='Current', help_text='A current contract may be edited, a superseded one is kept as it was.', max_length=100)),
                    ('start_date', models.DateField(blank=True, help_text='First day of the contract.', null=True)),
                    ('end_date', models.DateField(blank=True, help_text='Last day of the contract; empty = no end.', null=True)),
                    ('contract_gl_status', models.CharField(blank=True, help_text='How far its entries in the ledger are.', max_length=100, null=True, verbose_name='ledger status')),
                    ('edit_modify_contract', models.CharField(blank=True, help_text='Whether a change edits the contract or modifies it.', max_length=100, null=True)),
                    ('contract_modification_method', models.CharField(blank=True, help_text='How a modification is accounted for.', max_length=100, null=True)),
                    ('contract_modification_date', models.DateField(blank=True, help_text='Day from which the modification counts.', null=True)),
                    ('account', models.ForeignKey(blank=True, help_text='The account it was made with.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.account')),
                    ('created_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('current_active_contract', models.ForeignKey(blank=True, help_text='The latest contract of the chain.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='recognition.revreccontract')),
                    ('original_contract', models.ForeignKey(blank=True, help_text='The first contract of the chain.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='recognition.revreccontract')),
                    ('superseded_by', models.ForeignKey(blank=True, help_text='The contract that goes on from this one.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='recognition.revreccontract')),
                    ('supersedes', models.ForeignKey(blank=True, help_text='The contract that this one goes on from.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='recognition.revreccontract')),
                    ('updated_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'revenue contract',
                    'verbose_name_plural': 'revenue contracts',
                },
            ),
            migrations.CreateModel(
                name='ProcessQueueRevenueCommitment',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('process_date', models.DateField(blank=True, db_index=True, help_text='Day it is to be settled.', null=True)),
                    ('status', metabrm.fields.ListField(default='PENDING', help_text='How far it has come.', max_length=100)),
                    ('attempt_count', models.PositiveIntegerField(default=0, help_text='How often it was tried.')),
                    ('start_date', models.DateTimeField(blank=True, help_text='When it was taken up.', null=True)),
                    ('end_date', models.DateTimeField(blank=True, help_text='When it was done.', null=True)),
                    ('error_text', models.CharField(blank=True, help_text='Why it could not be settled.', max_length=4000, null=True)),
                    ('account', models.ForeignKey(help_text='The account that made the commitment.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.account')),
                    ('account_product', models.ForeignKey(blank=True, help_text='The provisioned product that carries it.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.accountproduct')),
                    ('created_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('updated_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('revrec_contract', models.ForeignKey(blank=True, help_text='The revenue contract it counts for.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='recognition.revreccontract', verbose_name='revenue contract')),
                ],
                options={
                    'verbose_name': 'revenue commitment to settle',
                    'verbose_name_plural': 'revenue commitments to settle',
                },
            ),
            migrations.CreateModel(
                name='RevrecContractPreview',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('session_id', models.CharField(blank=True, help_text='The session it was made in; unique.', max_length=255, null=True)),
                    ('new_rev_rec_contract_name', models.CharField(blank=True, help_text='Name the contract would have.', max_length=255, null=True, verbose_name='name of the new revenue contract')),
                    ('data_xml', models.TextField(help_text='The contract that would be made, as XML.', verbose_name='document')),
                    ('account', models.ForeignKey(blank=True, help_text='The account the contract would be made with.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='customers.account')),
                    ('created_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('updated_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'revenue contract preview',
                    'verbose_name_plural': 'revenue contract previews',
                },
            ),
            migrations.CreateModel(
                name='RevrecUpdateRule',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('order_of_evaluation', models.IntegerField(help_text='Place in the order in which rules are tried, low first.')),
                    ('rule_criteria', models.CharField(help_text='Which changes the rule is for.', max_length=1000)),
                    ('filter_logic', models.TextField(blank=True, help_text='Filters of the changes, joined by logic: 1 AND (2 OR 3).', null=True)),
                    ('formula', models.TextField(blank=True, help_text='Formula that is true for the changes.', null=True)),
                    ('update_rev_rec_contract_product', metabrm.fields.ListField(help_text='Entries change at once, or when the draft is activated, or not at all.', max_length=100, verbose_name='update revenue contract product')),
                    ('created_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('updated_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'revenue update rule',
                    'verbose_name_plural': 'revenue update rules',
                },
            ),
            migrations.AddConstraint(
                model_name='revreccontract',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='recognition_revreccontract_external_key_key'),
            ),
            migrations.AddConstraint(
                model_name='revreccontract',
                constraint=models.CheckConstraint(condition=models.Q(('end_date__gte', models.F('start_date'))), name='recognition_revreccontract_ends_after_start', violation_error_message='EndDate is not before StartDate'),
            ),
            migrations.AddConstraint(
                model_name='revreccontract',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('supersedes', models.F('id')), _negated=True), models.Q(('superseded_by', models.F('id')), _negated=True)), name='recognition_revreccontract_not_its_own_successor', violation_error_message='Supersedes and SupersededBy are contracts other than itself'),
            ),
            migrations.AddConstraint(
                model_name='processqueuerevenuecommitment',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='recognition_processqueuerevenuecommitment_external_key_key'),
            ),
            migrations.AddConstraint(
                model_name='processqueuerevenuecommitment',
                constraint=models.CheckConstraint(condition=models.Q(('end_date__gte', models.F('start_date'))), name='recognition_processqueue_ends_after_start', violation_error_message='EndDate is not before StartDate'),
            ),
            migrations.AddConstraint(
                model_name='revreccontractpreview',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('session_id',), name='recognition_revreccontractpreview_session_id_key'),
            ),
            migrations.AddConstraint(
                model_name='revrecupdaterule',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='recognition_revrecupdaterule_external_key_key'),
            ),
        ]),
    ]
